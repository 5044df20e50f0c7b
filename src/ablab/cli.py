"""The command line. Imports are late: `ablab --help` must not wait for torch."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import ablab
from ablab.folders import lab_folder

if TYPE_CHECKING:
    from rich.console import Console

_WRONG = 2
_EPILOG = """\
first steps:
  ablab sweep demo              six activations, five seeds each, no download
  ablab report demo             what came of it
  ablab ui                      the same runs in MLflow
  ablab train activation=elu    one trial; any key of `conf/` can be set
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 well, 1 a trial failed, 2 wrong input."""
    options = _parser().parse_args(arguments)
    if getattr(options, "allow", None):
        known = os.environ.get("ABLAB_ALLOW", "")
        os.environ["ABLAB_ALLOW"] = ",".join(filter(None, [known, *options.allow]))
    try:
        return int(options.run(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not _is_told(error):
            raise
        for line in str(error).splitlines():
            sys.stderr.write(f"ablab: {line}\n")
        return _WRONG


def _is_told(error: Exception) -> bool:
    """Tell whether an error is the user's to mend, and says how, so that no traceback helps."""
    from ablab.tracking.store import StoreError

    return isinstance(error, ValueError | StoreError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ablab",
        description="An ablation lab for convolutional networks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ablab {ablab.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    train = add("train", _train, "train one trial, or show the finished one")
    train.add_argument("--fresh", action="store_true", help="train a new take, keep the old one")
    sweep = add("sweep", _sweep, "run a sweep, or finish it")
    sweep.add_argument("name", help="a YAML under sweeps/")
    sweep.add_argument("--fetch", action="store_true", help="first fetch the data it needs")
    sweep.add_argument("--dry-run", action="store_true", help="only print plan and forecast")
    sweep.add_argument("--report", action="store_true", help="write the report at the end")
    sweep.add_argument(
        "--rerun-changed",
        action="store_true",
        help="train again what other code of ablab than today's has finished",
    )
    for command in (train, sweep):
        command.add_argument("--offline", action="store_true", help="touch no store")
        command.add_argument(
            "--allow", action="append", metavar="MODULE", help="let a _target_ lie in MODULE"
        )
    status = add("status", _status, "show how far a sweep is; without a name, all of them")
    status.add_argument("name", nargs="?")
    report = add("report", _report, "write the report of a sweep")
    report.add_argument("name")
    report.add_argument("--offline", action="store_true", help="leave MLflow as it is")
    baselines = add("baselines", _baselines, "train the classical learners on a data set's split")
    baselines.add_argument("dataset")
    baselines.add_argument("--fresh", action="store_true", help="train again what is there")
    baselines.add_argument(
        "overrides", nargs="*", metavar="key=value", help="seed=1, dataset.val_fraction=0.1"
    )
    for command in (train, sweep, status, report):
        command.add_argument(
            "overrides", nargs="*", metavar="key=value", help="activation=elu, optimizer.lr=0.1"
        )
    listing = add("list", _list, "list the axes, or the components of one; or `sweeps`")
    listing.add_argument("axis", nargs="?")
    show = add("show", _show, "show a trial: config, curve, log, next step")
    show.add_argument("key", help="a trial's key, or its beginning")
    ui = add("ui", _ui, "open the dashboard of all runs")
    ui.add_argument("--port", type=int, default=5001)
    data = add("data", _data, "fetch or verify a data set")
    data.add_argument("action", choices=("fetch", "verify"))
    data.add_argument("dataset")
    sync = add("sync", _sync, "deliver into MLflow what it lacks")
    sync.add_argument("--rebuild", action="store_true", help="make the lab's own store anew")
    add("doctor", _doctor, "tell what ablab finds on this machine")
    return parser


def _console() -> "Console":
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160)


def _train(options: argparse.Namespace) -> int:
    from ablab.report.show import show_result
    from ablab.training.process import FAILED, FINISHED, LOCKED
    from ablab.training.single import train

    console = _console()
    code, take = train(
        options.overrides, fresh=options.fresh, offline=options.offline, console=console
    )
    if code == FINISHED:
        show_result(take, console)
    elif code == FAILED:
        console.print(f"The trial failed: `ablab show {take.key}` tells why.")
    elif code == LOCKED:
        console.print(f"Another process trains {take.key}; `ablab show {take.key}` shows it.")
    else:
        console.print("Stopped. The same command goes on from the last checkpoint.")
    return code


def _sweep(options: argparse.Namespace) -> int:
    from ablab.sweep.engine import FAILED, run_sweep
    from ablab.sweep.names import sweep_id

    if options.fetch:
        _fetch_for(options.name, options.overrides)
    code = run_sweep(
        options.name,
        options.overrides,
        dry_run=options.dry_run,
        offline=options.offline,
        rerun_changed=options.rerun_changed,
        console=_console(),
    )
    if options.report and not options.dry_run and code in (0, FAILED):
        _write_report(sweep_id(options.name, options.overrides), offline=options.offline)
    return code


def _fetch_for(name: str, overrides: Sequence[str]) -> None:
    """Fetch each published data set that a sweep names and that is not there."""
    from ablab.data.fetch import DATASETS, fetch
    from ablab.sweep.datasets import datasets_of

    for dataset in sorted(datasets_of(name, overrides) & set(DATASETS)):
        fetch(dataset)


def _status(options: argparse.Namespace) -> int:
    from ablab.sweep.status import status
    from ablab.tracking.lab import Lab

    status(options.name, options.overrides, _console(), Lab(lab_folder()))
    return 0


def _report(options: argparse.Namespace) -> int:
    from ablab.sweep.status import find_sweep
    from ablab.tracking.lab import Lab

    sweep = find_sweep(Lab(lab_folder()), options.name, options.overrides)
    _write_report(sweep, offline=options.offline)
    return 0


def _write_report(sweep: str, *, offline: bool) -> None:
    """Write a sweep's report, put it on the sweep's run, and say what and where it is."""
    from ablab.report.build import build_report
    from ablab.tracking.lab import Lab
    from ablab.tracking.store import Store, StoreError
    from ablab.tracking.sweep_run import deliver_report

    lab, console = Lab(lab_folder()), _console()
    report = build_report(lab, sweep)
    console.print(report.verdict, highlight=False, markup=False)
    if not offline:
        try:
            deliver_report(Store.open(lab), sweep, report.folder, report.verdict)
        except StoreError as error:
            console.print(f"Not in MLflow yet: {error}. Report again to deliver it.")
    console.print(f"Report: {report.html}", highlight=False, markup=False, soft_wrap=True)


def _baselines(options: argparse.Namespace) -> int:
    from ablab.training.baselines import train_baselines

    console = _console()

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    train_baselines(options.dataset, options.overrides, fresh=options.fresh, say=say)
    return 0


def _list(options: argparse.Namespace) -> int:
    from ablab.training.listing import listed

    for name, text in listed(options.axis):
        sys.stdout.write(f"{name:<16} {text}".rstrip() + "\n")
    return 0


def _show(options: argparse.Namespace) -> int:
    from ablab.report.show import find_trial, show_trial
    from ablab.tracking.lab import Lab

    lab = Lab(lab_folder())
    show_trial(lab, find_trial(lab, options.key), _console())
    return 0


def _ui(options: argparse.Namespace) -> int:
    from ablab.tracking.lab import Lab
    from ablab.tracking.store import Store
    from ablab.tracking.sync import sync
    from ablab.tracking.ui import serve

    lab = Lab.open()
    sync(lab, Store.open(lab))  # a run whose process died is shown as killed, not as running
    serve(lab, options.port)
    return 0


def _data(options: argparse.Namespace) -> int:
    from ablab.data.fetch import fetch, verify

    if options.action == "fetch":
        sys.stdout.writelines(f"{line}\n" for line in fetch(options.dataset))
        return 0
    checks = verify(options.dataset)
    for check in checks:
        sys.stdout.write(f"{'ok ' if check.ok else 'BAD'} {check.file} {check.detail}\n")
    return 0 if all(check.ok for check in checks) else 1


def _sync(options: argparse.Namespace) -> int:
    from ablab.tracking.lab import Lab
    from ablab.tracking.store import Store, rebuild
    from ablab.tracking.sync import sync

    lab = Lab.open()
    store, aside = rebuild(lab) if options.rebuild else (Store.open(lab), None)
    counts = sync(lab, store)
    if aside is not None:
        sys.stdout.write(f"the old store is kept as {aside}\n")
    for notice in store.notices:
        sys.stdout.write(f"{notice}\n")
    sys.stdout.write(
        f"{counts.complete} finished and {counts.unfinished} unfinished runs are in "
        f"{store.label}, {counts.deleted} were deleted there\n"
    )
    for name, reason in counts.failed.items():
        sys.stdout.write(f"not delivered: {name}: {reason}\n")
    return 1 if counts.failed else 0


def _doctor(options: argparse.Namespace) -> int:
    from ablab.training.doctor import findings

    for name, value in findings():
        sys.stdout.write(f"{name:<20} {value}\n")
    return 0

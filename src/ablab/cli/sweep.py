"""`ablab sweep` and `status`: run a sweep and show its progress."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides, add_training, console
from ablab.cli.report import write_report
from ablab.errors import FAILED, FINISHED
from ablab.folders import lab_folder
from ablab.importing import without_gc

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the commands to the parser."""
    sweep = add(commands, "sweep", _sweep, "run a sweep, or resume it")
    sweep.add_argument("name", help="name of a YAML file in sweeps/")
    sweep.add_argument("--fetch", action="store_true", help="first download missing data sets")
    sweep.add_argument("--dry-run", action="store_true", help="only print the plan and a forecast")
    sweep.add_argument("--report", action="store_true", help="write the report at the end")
    sweep.add_argument(
        "--rerun-changed",
        action="store_true",
        help="train finished trials again if the code of ablab has changed since",
    )
    _add_selection(sweep)
    add_training(sweep)
    status = add(commands, "status", _status, "show the progress of a sweep, or of all sweeps")
    status.add_argument("name", nargs="?", help="name of a sweep; without it, all sweeps")
    status.add_argument("--json", action="store_true", help="print one JSON document")
    for command in (sweep, status):
        add_overrides(command)


def _add_selection(sweep: argparse.ArgumentParser) -> None:
    """Add the options that train a part of the plan."""
    sweep.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="KEY=NAMES",
        help="train only these: variant=relu,tanh, block=NAME or seed=0,1; may be repeated",
    )
    sweep.add_argument(
        "--shard", metavar="I/N", help="train only the I-th of N parts of equal size, as 1/3"
    )
    sweep.add_argument("--max-trials", metavar="N", type=int, help="train at most N trials now")
    sweep.add_argument(
        "--retry-failed", action="store_true", help="train only trials that failed before"
    )


def _sweep(options: argparse.Namespace) -> int:
    from ablab.sweep.launch.early import deliver_early, start_early
    from ablab.sweep.names import sweep_id
    from ablab.sweep.selection import parse_selection

    selection = parse_selection(
        options.only, options.shard, options.max_trials, retry_failed=options.retry_failed
    )
    with ExitStack() as stack:
        is_early = not options.dry_run and start_early(options.name, options.overrides)
        with without_gc():
            from ablab.report import interim
            from ablab.sweep.engine import run_sweep

        delivery = None
        if is_early and not options.offline:
            delivery = deliver_early(options.name, options.overrides)
        if delivery is not None:
            stack.callback(delivery.close, 0.0)  # where the sweep does not come to use it
        if options.fetch:
            _fetch_datasets(options.name, options.overrides)
        code = run_sweep(
            options.name,
            options.overrides,
            dry_run=options.dry_run,
            offline=options.offline,
            rerun_changed=options.rerun_changed,
            selection=selection,
            statistics=interim,
            console=console(),
            delivery=delivery,
        )
    if options.report and not options.dry_run and code in (FINISHED, FAILED):
        write_report(sweep_id(options.name, options.overrides), offline=options.offline)
    return code


def _fetch_datasets(name: str, overrides: Sequence[str]) -> None:
    """Download each published data set that a sweep uses and that is missing."""
    from ablab.data.fetch import DATASETS, fetch
    from ablab.sweep.planning import required_datasets

    for dataset in sorted(required_datasets(name, overrides) & set(DATASETS)):
        fetch(dataset)


def _status(options: argparse.Namespace) -> int:
    with without_gc():
        from ablab.formatting import format_json
        from ablab.tracking.lab import Lab

        if options.json:
            from ablab.sweep.status_json import status_document
        else:
            from ablab.sweep.console.status import status

    lab = Lab(lab_folder())
    if options.json:
        document = status_document(options.name, options.overrides, lab)
        sys.stdout.write(format_json(document))
        return 1 if document["damaged"] else 0
    return 0 if status(options.name, options.overrides, console(), lab) else 1

"""`ablab report`: the answer to a sweep's question, to all of them, or to one put to MLflow."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides, console
from ablab.errors import InputError
from ablab.folders import folder_name, lab_folder
from ablab.importing import for_good
from ablab.tracking.kinds import foreign_kinds

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.report.build import Report
    from ablab.tracking.lab import Lab

_FORMS = {"latex": "LaTeX", "pdf": "PDF"}
_NAMED = ("variant", "seed", "metric")
_FURTHER = ("block", "curve", "goal", "baseline", "kind", "question", "unit", "runs")


def add_to(commands: "Commands") -> None:
    """Add the command to the parser's."""
    text = "write the report of a sweep, of all sweeps, or of runs in MLflow"
    report = add(commands, "report", _report, text)
    report.add_argument("name", nargs="?", help="a sweep that was planned")
    report.add_argument("--all", action="store_true", help="every sweep's, and an index of them")
    report.add_argument("--latex", action="store_true", help="tables for a paper too, report.tex")
    report.add_argument("--pdf", action="store_true", help="print the page too, by a browser")
    report.add_argument("--offline", action="store_true", help="leave MLflow as it is")
    report.add_argument(
        "--to",
        metavar="FOLDER",
        type=Path,
        help="write it there, and leave MLflow as it is",
    )
    add_overrides(report)
    foreign = report.add_argument_group("runs that ablab did not launch")
    foreign.add_argument("--mlflow", metavar="EXPERIMENT", help="whose runs; needs the next three")
    foreign.add_argument("--variant", metavar="FIELD", help="tags.NAME or params.NAME")
    foreign.add_argument("--seed", metavar="FIELD", help="likewise; runs are paired by it")
    foreign.add_argument("--metric", help="what is compared")
    foreign.add_argument("--block", metavar="FIELD", help="what the comparison is repeated over")
    foreign.add_argument("--curve", metavar="METRIC", help="logged epoch by epoch; an accuracy")
    foreign.add_argument("--goal", choices=("max", "min"))
    foreign.add_argument("--baseline", metavar="VARIANT")
    foreign.add_argument("--kind", choices=foreign_kinds())
    foreign.add_argument("--question", metavar="TEXT")
    foreign.add_argument(
        "--unit",
        choices=("share", "percent", "none"),
        help="how metric and curve were logged; by default as all their values say",
    )
    foreign.add_argument(
        "--runs",
        choices=("parents", "children", "all"),
        help="which count where runs lie in others; asked where both could",
    )


def _report(options: argparse.Namespace) -> int:

    forms = [form for form in _FORMS if getattr(options, form)]
    ways = (options.name, options.all, options.mlflow)
    if (count := sum(map(bool, ways))) != 1:
        raise InputError(
            f"report must be given one of a sweep's name, --all and --mlflow, got {count or 'none'}"
        )
    given = [name for name in (*_NAMED, *_FURTHER) if getattr(options, name) is not None]
    if options.mlflow:
        return _of_runs(options, given, forms)
    if given:
        raise InputError(f"--{given[0]} must stand beside --mlflow EXPERIMENT, got none")
    if options.all:
        if options.to:
            raise InputError("--to must stand beside one sweep or --mlflow, got --all")
        return _all(forms, offline=options.offline)
    from ablab.sweep.names import sweep_id

    sweep = sweep_id(options.name, options.overrides)
    return write_report(sweep, forms, offline=options.offline, to=options.to)


def _all(forms: Collection[str], *, offline: bool) -> int:
    with for_good():
        from ablab.report.index import report_all, write_index
        from ablab.tracking.lab import Lab

    lab, out, answers = Lab(lab_folder()), console(), []
    for answer in report_all(lab, forms):
        told = answer.report.verdict if answer.report else f"no report: {answer.error}"
        out.print(f"{answer.sweep}: {told}", highlight=False, markup=False)
        answers.append(answer)
    _deliver([a.report for a in answers if a.report], lab, offline=offline)
    index = write_index(lab, answers)
    out.print(f"Index: {index}", highlight=False, markup=False, soft_wrap=True)
    damaged = _name_damage(lab, [answer.sweep for answer in answers if answer.report])
    return 1 if damaged or not all(answer.report for answer in answers) else 0


def _of_runs(options: argparse.Namespace, given: list[str], forms: Collection[str]) -> int:
    missing = [f"--{name}" for name in _NAMED if name not in given]
    if missing:
        raise InputError(f"--mlflow must have {', '.join(missing)} beside it, got none")
    with for_good():
        from ablab.report import build
        from ablab.report.mlflow.naming import Naming
        from ablab.report.mlflow.report import foreign_page
        from ablab.tracking.foreign import ForeignStore

    naming = Naming(options.mlflow, **{name: getattr(options, name) for name in given})
    named = folder_name(f"report-{options.mlflow.replace('/', '-').strip('-. ')}")
    folder = options.to or Path(named)
    _say(build.write_report(foreign_page(ForeignStore(), naming), folder, forms), forms)
    return 0


def write_report(
    sweep: str, forms: Collection[str] = (), *, offline: bool, to: Path | None = None
) -> int:
    """Write a sweep's report, put it on the sweep's run, and say what and where it is.

    Args:
        sweep: the sweep's name.
        forms: further forms.
        offline: leave MLflow as it is.
        to: another folder than the lab's, which may be read-only; MLflow is left as it is.

    Returns:
        The exit code: 1 where records of its trials are damaged, which are named.
    """
    with for_good():
        from ablab.report.build import build_report
        from ablab.tracking.lab import Lab

    lab = Lab(lab_folder())
    report = build_report(lab, sweep, forms, to)
    _deliver([report], lab, offline=offline or to is not None)
    _say(report, forms)
    return 1 if _name_damage(lab, [report.sweep]) else 0


def _name_damage(lab: "Lab", sweeps: Sequence[str]) -> bool:
    """Say which records of the trials of sweeps are damaged; tell whether any is."""
    from ablab.tracking.damage import damaged_runs

    found = dict.fromkeys(line for sweep in sweeps for line in damaged_runs(lab, sweep))
    for line in found:
        console().print(f"damaged: {line}", highlight=False, markup=False, soft_wrap=True)
    return bool(found)


def _deliver(reports: Sequence["Report"], lab: "Lab", *, offline: bool) -> None:
    """Put reports on their sweeps' runs."""
    if offline or not reports:
        return
    with for_good():
        from ablab.errors import ResourceError, StoreError
        from ablab.tracking.store import Store
        from ablab.tracking.sweep_run import deliver_report

    try:
        store = Store.open(lab)
        for report in reports:
            deliver_report(store, report.sweep, report.folder, report.verdict)
    except (StoreError, ResourceError, OSError) as error:
        told = f"Not in MLflow yet: {error}. Report again to deliver it."
        console().print(told, highlight=False, markup=False, soft_wrap=True)


def _say(report: "Report", forms: Collection[str]) -> None:
    out = console()
    out.print(report.verdict, highlight=False, markup=False)
    if report.asked_with:
        out.print(f"Asked with {report.asked_with}.", highlight=False, markup=False)
    out.print(f"Report: {report.html}", highlight=False, markup=False, soft_wrap=True)
    for form in forms:
        told = f"{_FORMS[form]}: {getattr(report, form)}"
        out.print(told, highlight=False, markup=False, soft_wrap=True)

"""`ablab report`: write the report of a sweep, of all sweeps, or of runs in MLflow."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides, console
from ablab.errors import InputError
from ablab.folders import folder_name, lab_folder
from ablab.importing import without_gc
from ablab.tracking.kinds import foreign_kinds

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.report.build import Report
    from ablab.tracking.lab import Lab

_FORMS = {"latex": "LaTeX", "pdf": "PDF"}
_REQUIRED = ("variant", "seed", "metric")  # with --mlflow
_OPTIONAL = ("block", "curve", "goal", "baseline", "kind", "question", "unit", "runs")


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "write the report of a sweep, of all sweeps, or of runs in MLflow"
    report = add(commands, "report", _report, text)
    report.add_argument("name", nargs="?", help="name of a sweep that was run before")
    report.add_argument(
        "--all", action="store_true", help="write the reports of all sweeps and an index"
    )
    report.add_argument("--latex", action="store_true", help="also write report.tex for a paper")
    report.add_argument(
        "--pdf", action="store_true", help="also write report.pdf, printed by a browser"
    )
    report.add_argument("--offline", action="store_true", help="do not write to MLflow")
    report.add_argument(
        "--to",
        metavar="FOLDER",
        type=Path,
        help="write the report to FOLDER, and do not write to MLflow",
    )
    add_overrides(report)
    foreign = report.add_argument_group("runs of other programs in MLflow")
    foreign.add_argument(
        "--mlflow", metavar="EXPERIMENT", help="experiment; needs the next three options"
    )
    foreign.add_argument(
        "--variant", metavar="FIELD", help="field that names the variant: tags.NAME or params.NAME"
    )
    foreign.add_argument(
        "--seed", metavar="FIELD", help="field that holds the seed, by which runs are paired"
    )
    foreign.add_argument("--metric", help="metric to compare")
    foreign.add_argument(
        "--block", metavar="FIELD", help="field over whose values the comparison is repeated"
    )
    foreign.add_argument(
        "--curve", metavar="METRIC", help="accuracy logged in each epoch, for learning curves"
    )
    foreign.add_argument("--goal", choices=("max", "min"), help="whether higher or lower is better")
    foreign.add_argument("--baseline", metavar="VARIANT", help="variant to compare the others with")
    foreign.add_argument("--kind", choices=foreign_kinds(), help="kind of question")
    foreign.add_argument("--question", metavar="TEXT", help="question, the title of the report")
    foreign.add_argument(
        "--unit",
        choices=("share", "percent", "none"),
        help="unit of metric and curve; by default determined from their values",
    )
    foreign.add_argument(
        "--runs",
        choices=("parents", "children", "all"),
        help="which of nested runs to compare; required if both could be meant",
    )


def _report(options: argparse.Namespace) -> int:
    forms = [form for form in _FORMS if getattr(options, form)]
    sources = (options.name, options.all, options.mlflow)
    if (count := sum(map(bool, sources))) != 1:
        raise InputError(
            f"report must be given one of a sweep's name, --all and --mlflow, got {count or 'none'}"
        )
    given = [name for name in (*_REQUIRED, *_OPTIONAL) if getattr(options, name) is not None]
    if options.mlflow:
        return _report_runs(options, given, forms)
    if given:
        raise InputError(f"--{given[0]} must be given with --mlflow EXPERIMENT, got none")
    if options.all:
        if options.to:
            raise InputError("--to must be given with one sweep or --mlflow, got --all")
        return _report_all(forms, offline=options.offline)
    from ablab.sweep.names import sweep_id

    sweep = sweep_id(options.name, options.overrides)
    return write_report(sweep, forms, offline=options.offline, to=options.to)


def _report_all(forms: Collection[str], *, offline: bool) -> int:
    with without_gc():
        from ablab.report.index import report_all, write_index
        from ablab.tracking.lab import Lab

    lab, out, answers = Lab(lab_folder()), console(), []
    for answer in report_all(lab, forms):
        verdict = answer.report.verdict if answer.report else f"no report: {answer.error}"
        out.print(f"{answer.sweep}: {verdict}", highlight=False, markup=False)
        answers.append(answer)
    _deliver([a.report for a in answers if a.report], lab, offline=offline)
    index = write_index(lab, answers)
    out.print(f"Index: {index}", highlight=False, markup=False, soft_wrap=True)
    damaged = _print_damage([answer.report for answer in answers if answer.report])
    return 1 if damaged or not all(answer.report for answer in answers) else 0


def _report_runs(options: argparse.Namespace, given: list[str], forms: Collection[str]) -> int:
    missing = [f"--{name}" for name in _REQUIRED if name not in given]
    if missing:
        raise InputError(f"--mlflow must be given with {', '.join(missing)}, got none")
    with without_gc():
        from ablab.report import build
        from ablab.report.mlflow.naming import Naming
        from ablab.report.mlflow.report import foreign_page
        from ablab.tracking.foreign import ForeignStore

    naming = Naming(options.mlflow, **{name: getattr(options, name) for name in given})
    default = folder_name(f"report-{options.mlflow.replace('/', '-').strip('-. ')}")
    folder = options.to or Path(default)
    _print_report(build.write_report(foreign_page(ForeignStore(), naming), folder, forms), forms)
    return 0


def write_report(
    sweep: str, forms: Collection[str] = (), *, offline: bool, to: Path | None = None
) -> int:
    """Write a sweep's report, log it to the sweep's MLflow run, and print verdict and paths.

    Args:
        sweep: the sweep's id.
        forms: further forms, ``latex`` or ``pdf``.
        offline: do not write to MLflow.
        to: folder in place of the lab's, which may be read-only; implies ``offline``.

    Returns:
        The exit code: 1 if records of its trials are damaged, which are printed.
    """
    with without_gc():
        from ablab.report.build import build_report
        from ablab.tracking.lab import Lab

    lab = Lab(lab_folder())
    report = build_report(lab, sweep, forms, to)
    _deliver([report], lab, offline=offline or to is not None)
    _print_report(report, forms)
    return 1 if _print_damage([report]) else 0


def _print_damage(reports: Sequence["Report"]) -> bool:
    """Print the damaged records of the sweeps' trials, and return whether there are any."""
    damaged = dict.fromkeys(line for report in reports for line in report.damaged)
    for line in damaged:
        console().print(f"damaged: {line}", highlight=False, markup=False, soft_wrap=True)
    return bool(damaged)


def _deliver(reports: Sequence["Report"], lab: "Lab", *, offline: bool) -> None:
    """Log reports to the MLflow runs of their sweeps."""
    if offline or not reports:
        return
    with without_gc():
        from ablab.errors import ResourceError, StoreError
        from ablab.tracking.store import Store
        from ablab.tracking.stored_report import has_report
        from ablab.tracking.sweep_run import deliver_report

    try:
        missing = [r for r in reports if not has_report(lab, r.sweep, r.folder, r.verdict)]
        if not missing:
            return
        store = Store.open(lab)
        for report in missing:
            deliver_report(store, report.sweep, report.folder, report.verdict)
    except (StoreError, ResourceError, OSError) as error:
        message = f"Not in MLflow yet: {error}. The same command delivers it later."
        console().print(message, highlight=False, markup=False, soft_wrap=True)


def _print_report(report: "Report", forms: Collection[str]) -> None:
    out = console()
    out.print(report.verdict, highlight=False, markup=False)
    if report.asked_with:
        out.print(f"Asked with {report.asked_with}.", highlight=False, markup=False)
    out.print(f"Report: {report.html}", highlight=False, markup=False, soft_wrap=True)
    for form in forms:
        line = f"{_FORMS[form]}: {getattr(report, form)}"
        out.print(line, highlight=False, markup=False, soft_wrap=True)

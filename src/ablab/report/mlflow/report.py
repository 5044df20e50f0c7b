"""The report of MLflow runs that ablab did not start."""

import math
from collections.abc import Sequence

from ablab.errors import InputError
from ablab.formatting import join_all
from ablab.report.analysis.trials import FIELDS, Row, in_order
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.nesting import AssignedRun, Nesting, newest_per_cell
from ablab.report.mlflow.runs import assign_runs, describe_left_out, describe_superseded
from ablab.report.mlflow.values import (
    OUTCOMES,
    LoggedMetric,
    check_curve,
    final_values,
    infer_unit,
    read_curves,
)
from ablab.report.page.page import Page
from ablab.tracking.foreign import ForeignStore
from ablab.tracking.plan import Cell, Part, Plan
from ablab.tracking.spec import Spec

_COMMIT = "mlflow.source.git.commit"


def foreign_page(store: ForeignStore, naming: Naming) -> Page:
    """Return the content of the report of an experiment's runs.

    Of several runs with the same variant, seed and block, the newest finished one counts,
    otherwise the newest; the report names the others.

    Raises:
        InputError: there is no such experiment, its runs lack the tags, params or metrics named,
            or their unit or nesting is ambiguous.
        StoreError: the store does not answer.
    """
    naming.check()
    runs = store.runs(naming.experiment)
    names = naming.variant, naming.seed, naming.block
    assigned = assign_runs(runs, *names, naming.metric)
    selected = Nesting(runs, assigned, naming.metric).select(naming.runs)
    counted = newest_per_cell(selected)
    curves = read_curves(store, naming.curve, counted)
    metric = infer_unit(naming.metric, final_values(naming.metric, counted), naming.unit)
    curve = infer_unit(naming.curve, [(a, curves[a.run.run_id]) for a in counted], naming.unit)
    if naming.curve:
        check_curve(curve, curves)
    rows = tuple(_row(a, metric, tuple(map(curve.scaled, curves[a.run.run_id]))) for a in counted)
    plan = _plan(naming, counted, metric, curve)
    notes = [*_notes(naming, counted), *describe_left_out(runs, selected, names, naming.runs)]
    notes += describe_superseded(selected, counted)
    notes += dict.fromkeys((*metric.notes, *curve.notes))
    return Page(plan, in_order(rows, plan.spec), notes=tuple(notes))


def _plan(
    naming: Naming, counted: Sequence[AssignedRun], metric: LoggedMetric, curve: LoggedMetric
) -> Plan:
    """Return the runs as a plan, whose time is unknown."""
    variants = sorted({a.variant for a in counted})
    if naming.baseline and naming.baseline not in variants:
        raise InputError(f"--baseline must be one of {', '.join(variants)}; got {naming.baseline}")
    variants.sort(key=lambda v: v != naming.baseline)
    blocks = sorted({a.block for a in counted})
    spec = Spec(
        question=naming.report_question(),
        kind=naming.kind or ("versus_baseline" if naming.baseline else "best"),
        metric=naming.metric,
        goal=naming.goal,
        unit=metric.shown_unit,
        curve=naming.curve,
        curve_unit=curve.shown_unit,
        foreign=True,
        baseline=naming.baseline,
        seeds=tuple(sorted({a.seed for a in counted})),
        variants={variant: {} for variant in variants},
        blocks={block: {} for block in blocks} if blocks != [""] else {},
    )
    cells = tuple(Cell(*a.cell, a.run.run_id) for a in counted)
    params = {a.run.run_id: {"params": dict(a.run.params)} for a in counted}
    part = Part("comparison", math.nan, naming.command(), spec, cells, params)
    return Plan(naming.experiment, (part,))


def _row(assigned: AssignedRun, metric: LoggedMetric, curve: tuple[float, ...]) -> Row:
    run, name = assigned.run, metric.name
    outcome, value = OUTCOMES.get(run.status, "failed"), math.nan
    reason = f"MLflow says {run.status}" if outcome == "failed" else ""
    if outcome == "finished":
        value = metric.scaled(run.metrics.get(name, math.nan))
        if not math.isfinite(value):
            why = f"{name} is {value}" if name in run.metrics else f"it has no {name}"
            outcome, value, reason = "failed", math.nan, f"{why}; its pairs are left out"
    return Row(
        *assigned.cell,
        key=run.run_id,
        outcome=outcome,
        value=value,
        total=None,
        reason=reason,
        metrics=dict.fromkeys(FIELDS, math.nan),
        curve=curve,
        times=tuple(t for t in (run.start, run.end) if math.isfinite(t)),
        environment={"commit": run.tags[_COMMIT]} if _COMMIT in run.tags else {},
        data_hash="",
    )


def _notes(naming: Naming, counted: Sequence[AssignedRun]) -> list[str]:
    """Return sentences on what MLflow does not record."""
    notes = [
        "These runs were read from MLflow, and ablab did not plan them: it is unknown whether "
        "their number was fixed beforehand. If runs are added until a difference shows, "
        "differences are found too often.",
        f"A pair is two runs with the same {naming.seed}; what else they have in common (data, "
        "split, order, initial weights, machine) is unknown, and so are the data and the epoch of "
        "the metric.",
        "How hyper-parameters were chosen is unknown, too.",
    ]
    running = [a.run.name for a in counted if OUTCOMES.get(a.run.status) == "running"]
    if running:
        verb = "runs" if len(running) == 1 else "run"
        notes.append(
            f"MLflow says that {join_all(running[:5])} still {verb}; "
            "a run whose process died stays so until it is ended in MLflow."
        )
    return notes

"""A report from runs in MLflow, given what of them names what; nothing else is known of them."""

import math
from collections.abc import Sequence

from ablab.errors import InputError
from ablab.report.analysis.trials import FIELDS, Row, in_order
from ablab.report.formatting import series
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.nesting import Named, Nesting, newest
from ablab.report.mlflow.runs import left_out, named, passed_over
from ablab.report.mlflow.values import (
    OUTCOMES,
    Reading,
    check_curve,
    curves_of,
    finals_of,
    reading_of,
)
from ablab.report.page.page import Page
from ablab.tracking.foreign import ForeignStore
from ablab.tracking.plan import Cell, Part, Plan
from ablab.tracking.spec import Spec

_COMMIT = "mlflow.source.git.commit"


def foreign_page(store: ForeignStore, naming: Naming) -> Page:
    """Return the content of the report of an experiment's runs.

    Two runs of one variant, seed and block: the newest finished one counts, else the newest,
    and the report says so.

    Raises:
        InputError: there is no such experiment, its runs are not named so, or there is more than
            one reading of them.
        StoreError: the store does not answer.
    """
    naming.check()
    runs = store.runs(naming.experiment)
    names = naming.variant, naming.seed, naming.block
    found = Nesting(runs, named(runs, *names, naming.metric), naming.metric).of_level(naming.runs)
    counted = newest(found)
    curves = curves_of(store, naming.curve, counted)
    finals = finals_of(naming.metric, counted)
    reading = reading_of(naming.metric, finals, naming.unit)
    curve = reading_of(naming.curve, [(n, curves[n.run.run_id]) for n in counted], naming.unit)
    if naming.curve:
        check_curve(curve, curves)
    rows = tuple(_row(n, reading, tuple(map(curve.scaled, curves[n.run.run_id]))) for n in counted)
    plan = _plan(naming, counted, reading, curve)
    notes = [*_notes(naming, counted), *left_out(runs, found, names, naming.runs)]
    notes += [*passed_over(found, counted), *dict.fromkeys((*reading.notes, *curve.notes))]
    return Page(plan, in_order(rows, plan.spec), notes=tuple(notes))


def _plan(naming: Naming, counted: Sequence[Named], reading: Reading, curve: Reading) -> Plan:
    """Return the runs as a plan; when they were planned nobody knows."""
    variants = sorted({n.variant for n in counted})
    if naming.baseline and naming.baseline not in variants:
        raise InputError(f"--baseline must be one of {', '.join(variants)}; got {naming.baseline}")
    variants.sort(key=lambda v: v != naming.baseline)
    blocks = sorted({n.block for n in counted})
    spec = Spec(
        question=naming.asked(),
        kind=naming.kind or ("versus_baseline" if naming.baseline else "best"),
        metric=naming.metric,
        goal=naming.goal,
        unit=reading.shown,
        curve=naming.curve,
        curve_unit=curve.shown,
        foreign=True,
        baseline=naming.baseline,
        seeds=tuple(sorted({n.seed for n in counted})),
        variants={variant: {} for variant in variants},
        blocks={block: {} for block in blocks} if blocks != [""] else {},
    )
    cells = tuple(Cell(n.variant, n.seed, n.block, n.run.run_id) for n in counted)
    params = {n.run.run_id: {"params": dict(n.run.params)} for n in counted}
    part = Part("comparison", math.nan, naming.command(), spec, cells, params)
    return Plan(naming.experiment, (part,))


def _row(found: Named, reading: Reading, curve: tuple[float, ...]) -> Row:
    run, metric = found.run, reading.metric
    outcome, value = OUTCOMES.get(run.status, "failed"), math.nan
    reason = f"MLflow says {run.status}" if outcome == "failed" else ""
    if outcome == "finished":
        value = reading.scaled(run.metrics.get(metric, math.nan))
        if not math.isfinite(value):
            why = f"{metric} is {value}" if metric in run.metrics else f"it has no {metric}"
            outcome, value, reason = "failed", math.nan, f"{why}; its pairs are left out"
    return Row(
        found.variant,
        found.seed,
        found.block,
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


def _notes(naming: Naming, counted: Sequence[Named]) -> list[str]:
    """Return what a reader must know of runs of which this report knows what MLflow holds."""
    told = [
        "These runs were read from MLflow, and no plan of ablab stands behind them: whether it was "
        "fixed beforehand which runs there would be is not known. Where runs are added until a "
        "difference shows, one is found too often.",
        f"A pair is two runs of one {naming.seed}; what else they have in common (data, split, "
        "order, initial weights, machine) is not known, nor on which data the metric was measured "
        "and at which epoch.",
        "How hyper-parameters were chosen is not known either.",
    ]
    going = [n.run.name for n in counted if OUTCOMES.get(n.run.status) == "running"]
    if going:
        told.append(
            f"MLflow says that {series(going[:5])} still {'runs' if len(going) == 1 else 'run'}; "
            "one whose process died stays so until it is ended there."
        )
    return told

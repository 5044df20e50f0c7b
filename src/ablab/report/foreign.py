"""A report from MLflow's runs that ablab did not launch, given what of them names what."""

import math
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from ablab.errors import InputError
from ablab.report.build import Report, write_report
from ablab.report.foreign_runs import Named, left_out, named, newest
from ablab.report.naming import KINDS, Naming
from ablab.report.page import Page
from ablab.report.table import FIELDS, Row, in_order
from ablab.report.unit import is_accuracy, series
from ablab.tracking.foreign import ForeignRun, ForeignStore
from ablab.tracking.plan import Cell, Part, Plan

_FATES = {"RUNNING": "running", "SCHEDULED": "running", "FINISHED": "finished"}
_COMMIT = "mlflow.source.git.commit"


def foreign_report(
    store: ForeignStore, naming: Naming, folder: Path, forms: Collection[str] = ()
) -> Report:
    """Write the report of an experiment's runs into a folder, and return where it is."""
    return write_report(foreign_page(store, naming), folder, forms)


def foreign_page(store: ForeignStore, naming: Naming) -> Page:
    """Return the content of the report of an experiment's runs.

    Two runs of one variant, seed and block: the newest finished one counts, else the newest,
    and the report says so.

    Raises:
        InputError: there is no such experiment, or its runs are not named so.
        StoreError: the store does not answer.
    """
    naming.check()
    runs = store.runs(naming.experiment)
    found = named(runs, naming.variant, naming.seed, naming.block, naming.metric)
    counted = newest(found)
    scale = _scale(naming.metric, [n.run.metrics.get(naming.metric, math.nan) for n in counted])
    rows = tuple(_row(n, naming, store, scale) for n in counted)
    plan = _plan(naming, counted)
    notes = (*_notes(naming, runs, found, counted), *_scaled(naming.metric, scale))
    return Page(plan, in_order(rows, plan.spec), notes=notes)


def _plan(naming: Naming, counted: Sequence[Named]) -> Plan:
    """Return the runs as a plan; when they were planned nobody knows."""
    variants = sorted({n.variant for n in counted})
    if naming.baseline and naming.baseline not in variants:
        raise InputError(f"--baseline must be one of {', '.join(variants)}; got {naming.baseline}")
    variants.sort(key=lambda v: v != naming.baseline)
    blocks = sorted({n.block for n in counted})
    spec: dict[str, Any] = {
        "question": naming.asked(),
        "kind": naming.kind or KINDS[not naming.baseline],
        "metric": naming.metric,
        "goal": naming.goal,
        "foreign": True,
        "baseline": naming.baseline or None,
        "seeds": sorted({n.seed for n in counted}),
        "variants": {variant: {} for variant in variants},
        "blocks": {block: {} for block in blocks} if blocks != [""] else {},
    }
    cells = tuple(Cell(n.variant, n.seed, n.block, n.run.run_id) for n in counted)
    params = {n.run.run_id: {"params": dict(n.run.params)} for n in counted}
    part = Part("comparison", math.nan, naming.command(), spec, cells, params)
    return Plan(naming.experiment, (part,))


def _row(found: Named, naming: Naming, store: ForeignStore, scale: float) -> Row:
    run, metric = found.run, naming.metric
    fate, value = _FATES.get(run.status, "failed"), math.nan
    reason = f"MLflow says {run.status}" if fate == "failed" else ""
    if fate == "finished":
        value = run.metrics.get(metric, math.nan) * scale
        if not math.isfinite(value):
            told = f"{metric} is {value}" if metric in run.metrics else f"it has no {metric}"
            fate, value, reason = "failed", math.nan, f"{told}; its pairs are left out"
    curve = store.curve(run.run_id, naming.curve) if naming.curve in run.metrics else ()
    stretch = _scale(naming.curve, curve)
    return Row(
        found.variant,
        found.seed,
        found.block,
        key=run.run_id,
        outcome=fate,
        value=value,
        total=None,
        reason=reason,
        figures=dict.fromkeys(FIELDS, math.nan),
        curve=tuple(x * stretch for x in curve),
        times=tuple(t for t in (run.start, run.end) if math.isfinite(t)),
        environment={"commit": run.tags[_COMMIT]} if _COMMIT in run.tags else {},
        data_hash="",
    )


def _scale(metric: str, values: Iterable[float]) -> float:
    """Return what makes shares of an accuracy that was logged in per cent."""
    return 0.01 if is_accuracy(metric) and any(1 < x < math.inf for x in values) else 1.0


def _notes(
    naming: Naming, runs: Sequence[ForeignRun], found: Sequence[Named], counted: Sequence[Named]
) -> list[str]:
    """Return what a reader must know of runs that no plan named."""
    told = [
        "These runs were not planned by ablab: which of them there would be was not fixed before "
        "they were made, so that trials may have been added until a difference showed.",
        f"A pair is two runs of one {naming.seed}; whether these share split and order of images "
        "is not recorded.",
        "How hyper-parameters were chosen is not recorded either.",
    ]
    told += left_out(runs, found, naming.variant, naming.seed, naming.block)
    passed = len(found) - len(counted)
    if passed:
        told.append(
            f"Passed over: {passed} run{'s' * (passed > 1)}, for a newer one of the same variant, "
            "seed and block."
        )
    going = [n.run.name for n in counted if _FATES.get(n.run.status) == "running"]
    if going:
        told.append(
            f"MLflow says that {series(going[:5])} still {'runs' if len(going) == 1 else 'run'}; "
            "one whose process died stays so until it is ended there."
        )
    return told


def _scaled(metric: str, scale: float) -> list[str]:
    return [] if scale == 1 else [f"{metric} was logged in per cent and is read so."]

"""The table of a sweep's trials, read from a lab, with values that compare."""

import math
from collections.abc import Sequence
from dataclasses import replace

from ablab.report.analysis.baselines import with_baselines
from ablab.report.analysis.conditions import why_untimed
from ablab.report.analysis.speed import budgets
from ablab.report.analysis.trials import TRAINED, Row, in_order, make_row
from ablab.report.analysis.values import EPOCHS_TO_TARGET, SECONDS_TO_TARGET
from ablab.tracking.baselines import read_baselines
from ablab.tracking.lab import Lab
from ablab.tracking.metrics import TIMED
from ablab.tracking.plan import Cell, Plan
from ablab.tracking.processes import map_items
from ablab.tracking.records import read_record

_LEAST = 250  # cells, a tenth of a second


def read_table(lab: Lab, plan: Plan, commit: str = "") -> tuple[Row, ...]:
    """Read one row per cell, by block, then variant in the plan's order, then seed.

    Of a sweep that tests a claim, the rows have the claim's metrics too, and the baselines that it
    compares with.

    Args:
        lab: the lab with the trials.
        plan: the plan with the cells.
        commit: prefix of a commit: only runs of that commit are read. If empty, the runs that
            count.
    """
    trials, spec = plan.trials, plan.spec
    also = spec.claim.metrics if spec.claim is not None else ()

    def read(cell: Cell) -> Row:
        record = read_record(lab, cell.key, trials.get(cell.key), commit)
        return make_row(cell.id, record, spec, also)

    rows: Sequence[Row] = map_items(read, plan.cells, _LEAST)
    if spec.claim is not None and (names := spec.claim.baselines):
        rows = with_baselines(plan, rows, names, read_baselines(lab.root))
    return comparable(in_order(rows, spec), spec.metric)


def comparable(rows: Sequence[Row], metric: str) -> tuple[Row, ...]:
    """Return rows whose values compare.

    A time to the target is at most the shortest training of any trial of the block. Times and
    memory have no value where trials ran under different conditions.

    Args:
        rows: of a sweep.
        metric: of their values.
    """
    if metric in TIMED and (why := why_untimed(rows)):
        note = f"trials ran {why}, so {metric} does not compare"
        return tuple(replace(row, value=math.nan, reason=row.reason or note) for row in rows)
    if metric not in (EPOCHS_TO_TARGET, SECONDS_TO_TARGET):
        return tuple(rows)
    limits = {}
    for block in {row.block for row in rows}:
        trained = [row for row in rows if row.block == block and row.outcome in TRAINED]
        limits[block] = budgets(trained)[metric == SECONDS_TO_TARGET]
    return tuple(_censored(row, limits[row.block]) for row in rows)


def _censored(row: Row, limit: float) -> Row:
    if row.outcome not in TRAINED or math.isnan(row.value) or row.value <= limit:
        return row
    reason = row.reason or "did not reach the target; counts with the shortest training"
    return replace(row, value=limit, reason=reason)

"""The values of a metric and of its curve in MLflow runs, and their unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablab.errors import InputError
from ablab.report.mlflow.nesting import AssignedRun
from ablab.report.mlflow.scale import (
    FACTORS,
    NONE,
    PERCENT,
    SHARE,
    LoggedRange,
    unit_logged,
    unit_notes,
)
from ablab.tracking.foreign import ForeignStore

OUTCOMES = {"RUNNING": "running", "SCHEDULED": "running", "FINISHED": "finished"}
_SHOWN_UNITS = {SHARE: SHARE, PERCENT: SHARE, NONE: NONE}

Values = Sequence[tuple[AssignedRun, Sequence[float]]]
"""The values that each run logged of one metric."""


@dataclass(frozen=True)
class LoggedMetric:
    """A metric of the runs and the unit in which they logged it.

    Attributes:
        name: the name of the metric; empty if no curve is drawn.
        unit: ``share``, ``percent`` or ``none``.
        notes: sentences on the unit.
    """

    name: str
    unit: str
    notes: tuple[str, ...]

    def scaled(self, x: float) -> float:
        """Return a logged value in the unit of the report: per cent becomes a share."""
        return x * FACTORS[self.unit] + 0.0  # no -0.0

    @property
    def shown_unit(self) -> str:
        """The unit that `ablab.report.formatting.unit_of` takes."""
        return _SHOWN_UNITS[self.unit]


def read_curves(
    store: ForeignStore, metric: str, counted: Sequence[AssignedRun]
) -> dict[str, tuple[float, ...]]:
    """Read the history of a metric by run; empty for a run without it."""
    return {
        a.run.run_id: store.curve(a.run.run_id, metric) if metric in a.run.metrics else ()
        for a in counted
    }


def final_values(metric: str, counted: Sequence[AssignedRun]) -> Values:
    """Return the last value of a metric in each finished run that has one."""
    return [
        (a, (a.run.metrics[metric],))
        for a in counted
        if OUTCOMES.get(a.run.status) == "finished"
        and math.isfinite(a.run.metrics.get(metric, math.nan))
    ]


def infer_unit(metric: str, values: Values, stated: str) -> LoggedMetric:
    """Return a metric with the unit in which it was logged.

    Args:
        metric: the name of the metric, or empty.
        values: the values that each run logged of it.
        stated: the unit that the user states, or empty.

    Raises:
        InputError: the values are ambiguous, or do not fit the stated unit.
    """
    if not metric:
        return LoggedMetric("", NONE, ())
    logged = []
    for assigned, own in values:
        finite = [x for x in own if math.isfinite(x)]
        if finite:
            logged.append(LoggedRange(_label(assigned), min(finite), max(finite)))
    unit = unit_logged(metric, logged, stated)
    return LoggedMetric(metric, unit, tuple(unit_notes(metric, unit, logged, stated)))


def check_curve(curve: LoggedMetric, curves: Mapping[str, Sequence[float]]) -> None:
    """Check that the curve exists, and is not of shares if per cent is stated.

    Raises:
        InputError: no run has the curve, or its unit is per cent and no value is above 1.
    """
    highest = max((x for own in curves.values() for x in own if math.isfinite(x)), default=0.0)
    if not curves or all(not own for own in curves.values()):
        raise InputError(f"--curve must be a metric of these runs, got {curve.name}")
    if curve.unit == PERCENT and 0 < highest <= 1:
        raise InputError(
            f"--curve must be logged in per cent as --unit says, got {curve.name} of at most "
            f"{highest:g}; leave it out"
        )


def _label(assigned: AssignedRun) -> str:
    block = f" · {assigned.block}" if assigned.block else ""
    return f"{assigned.variant} · seed {assigned.seed}{block} ({assigned.run.name})"

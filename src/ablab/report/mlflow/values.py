"""What others' runs logged: the values of a metric and of its curve, in the unit they tell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablab.errors import InputError
from ablab.report.mlflow.nesting import Named
from ablab.report.mlflow.scale import FACTORS, NONE, PERCENT, SHARE, Logged, told, unit_logged
from ablab.tracking.foreign import ForeignStore

OUTCOMES = {"RUNNING": "running", "SCHEDULED": "running", "FINISHED": "finished"}
_SHOWN = {SHARE: SHARE, PERCENT: SHARE, NONE: NONE}

Values = Sequence[tuple[Named, Sequence[float]]]
"""What each run logged of one metric."""


@dataclass(frozen=True)
class Reading:
    """One metric of the runs, in the unit in which they logged it.

    Attributes:
        metric: its name; empty for a curve that was not asked for.
        unit: share, percent or none.
        notes: what a reader must know of the unit.
    """

    metric: str
    unit: str
    notes: tuple[str, ...]

    def scaled(self, x: float) -> float:
        """Return a logged value as the report holds it: per cent as a share."""
        return x * FACTORS[self.unit] + 0.0  # no -0.0

    @property
    def shown(self) -> str:
        """How it is shown, as `ablab.report.formatting.unit_of` takes it."""
        return _SHOWN[self.unit]


def curves_of(
    store: ForeignStore, metric: str, counted: Sequence[Named]
) -> dict[str, tuple[float, ...]]:
    """Return the history of a metric by run, empty where there is none."""
    return {
        n.run.run_id: store.curve(n.run.run_id, metric) if metric in n.run.metrics else ()
        for n in counted
    }


def finals_of(metric: str, counted: Sequence[Named]) -> Values:
    """Return the last value of a metric, of the runs that have finished with one."""
    return [
        (n, (n.run.metrics[metric],))
        for n in counted
        if OUTCOMES.get(n.run.status) == "finished"
        and math.isfinite(n.run.metrics.get(metric, math.nan))
    ]


def reading_of(metric: str, values: Values, stated: str) -> Reading:
    """Return how a metric was logged.

    Args:
        metric: its name, or empty.
        values: what each run logged of it.
        stated: the unit that the user states, or empty.

    Raises:
        InputError: the values allow more than one reading, or not the stated one.
    """
    if not metric:
        return Reading("", NONE, ())
    logged = []
    for n, own in values:
        finite = [x for x in own if math.isfinite(x)]
        if finite:
            logged.append(Logged(_called(n), min(finite), max(finite)))
    unit = unit_logged(metric, logged, stated)
    return Reading(metric, unit, tuple(told(metric, unit, logged, stated)))


def check_curve(curve: Reading, curves: Mapping[str, Sequence[float]]) -> None:
    """Refuse a curve of shares beside a stated per cent.

    Raises:
        InputError: no value of the curve is above 1.
    """
    highest = max((x for own in curves.values() for x in own if math.isfinite(x)), default=0.0)
    if not curves or all(not own for own in curves.values()):
        raise InputError(f"--curve must be a metric of these runs, got {curve.metric}")
    if curve.unit == PERCENT and 0 < highest <= 1:
        raise InputError(
            f"--curve must be logged in per cent as --unit says, got {curve.metric} of at most "
            f"{highest:g}; leave it out"
        )


def _called(n: Named) -> str:
    place = f"{n.variant} · seed {n.seed}" + (f" · {n.block}" if n.block else "")
    return f"{place} ({n.run.name})"

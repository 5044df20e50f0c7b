"""How long trials took to a validation accuracy; those that never got there are censored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablab.report.analysis.trials import Row
from ablab.stats.paired import Array


@dataclass(frozen=True, eq=False)
class Times:
    """How long the trials of one variant took, a number a seed; a censored one has the budget.

    Attributes:
        seeds: (n,), of the trials that trained.
        epochs: (n,), epochs to the target.
        seconds: (n,), seconds of training to the target, evaluation excluded; NaN where they
            are not known or do not compare.
        reached: (n,), whether the target was reached within the budget of epochs.
        reached_seconds: (n,), whether it was reached within the budget of seconds.
    """

    seeds: tuple[int, ...]
    epochs: Array
    seconds: Array
    reached: NDArray[np.bool_]
    reached_seconds: NDArray[np.bool_]

    @property
    def mean_epochs(self) -> float:
        """The restricted mean of the epochs, NaN for no trial."""
        return float(self.epochs.mean()) if self.seeds else math.nan

    @property
    def mean_seconds(self) -> float:
        """The restricted mean of the seconds, NaN for no trial."""
        return float(self.seconds.mean()) if self.seeds else math.nan


def budgets(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the least epochs and seconds that a trial had; one that diverged had no fewer."""
    whole = [row for row in rows if row.outcome == "finished"]
    whole = whole or [row for row in rows if row.curve]
    seconds = [row.seconds[-1] if row.seconds else math.nan for row in whole]
    known = seconds and not np.isnan(seconds).any()
    return (
        float(min((len(row.curve) for row in whole), default=math.nan)),
        min(seconds) if known else math.nan,
    )


def times_of(rows: Sequence[Row], target: float, epochs: float, seconds: float) -> Times:
    """Return how long these trials took to the target.

    Args:
        rows: of one variant.
        target: validation accuracy, in (0, 1).
        epochs: the budget of epochs.
        seconds: the budget of seconds.
    """
    found = [_first(row, target) for row in rows]
    to_epochs = np.array([epoch for epoch, _ in found], dtype=np.float64)
    to_seconds = np.array([time for _, time in found], dtype=np.float64)
    return Times(
        tuple(row.seed for row in rows),
        np.minimum(to_epochs, epochs),
        np.minimum(to_seconds, seconds),
        to_epochs <= epochs,
        to_seconds <= seconds,
    )


def _first(row: Row, target: float) -> tuple[float, float]:
    """Return epochs and seconds up to the first epoch at the target; infinite for none."""
    reached = np.flatnonzero(np.array(row.curve) >= target)
    if not reached.size:
        return math.inf, math.inf
    place = int(reached[0])
    return place + 1.0, row.seconds[place] if place < len(row.seconds) else math.nan

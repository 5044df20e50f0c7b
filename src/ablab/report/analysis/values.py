"""The value of any metric of a trial: recorded at its end, or derived from its epochs."""

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from ablab.stats.ranks import rank_correlation
from ablab.tracking.records import Record

SECONDS = "time/epoch_seconds"
EPOCHS_TO_TARGET, SECONDS_TO_TARGET = "speed/epochs", "speed/seconds"
_DIFFERENCES = {
    "gap/accuracy": ("train/accuracy", "test/accuracy"),
    "gap/loss": ("test/loss", "train/loss"),
    "gap/selection": ("val/accuracy", "test/accuracy"),
}


def value_of(record: Record, metric: str, target: float | None = None) -> float:
    """Return the value of a metric; NaN if the trial has none.

    Args:
        record: of a trial that finished or diverged.
        metric: one of `ablab.tracking.metrics.METRICS`.
        target: validation accuracy of the speed of learning; a time to it is infinite if it was
            not reached.
    """
    recorded = {**record.metadata, **record.measured, **record.metrics}
    if metric in recorded:
        return float(recorded[metric])
    if metric in _DIFFERENCES:
        a, b = _DIFFERENCES[metric]
        return float(recorded.get(a, math.nan) - recorded.get(b, math.nan))
    if metric in (EPOCHS_TO_TARGET, SECONDS_TO_TARGET):
        curve = curve_of(record, "val/accuracy")
        times = time_to_target(curve, seconds_of(record), target or math.inf)
        return times[metric == SECONDS_TO_TARGET]
    # The last epoch of a diverged trial is not the one that was planned.
    return math.nan if record.outcome == "diverged" else _of_epochs(record, metric)


def _of_epochs(record: Record, metric: str) -> float:
    losses = curve_of(record, "val/loss")
    if metric == "rank/loss_accuracy":
        return rank_correlation(np.array(losses), np.array(curve_of(record, "val/accuracy")))
    if metric == "val/loss_rise":
        return losses[-1] - min(losses) if losses else math.nan
    name, _, last = metric.rpartition("_")
    own = curve_of(record, name) if last == "last" else ()
    return own[-1] if own else math.nan


def curve_of(record: Record, metric: str) -> tuple[float, ...]:
    """Return a metric of each epoch, NaN where missing."""
    return tuple(entry.metrics.get(metric, math.nan) for entry in record.epochs)


def seconds_of(record: Record) -> tuple[float, ...]:
    """Return the seconds of training up to the end of each epoch, evaluation excluded."""
    return tuple(accumulate(entry.measured.get(SECONDS, math.nan) for entry in record.epochs))


def time_to_target(
    curve: Sequence[float], seconds: Sequence[float], target: float
) -> tuple[float, float]:
    """Return epochs and seconds up to the first epoch at the target; infinite if there is none.

    Args:
        curve: validation accuracy of each epoch.
        seconds: of training up to the end of each epoch.
        target: validation accuracy.
    """
    reached = np.flatnonzero(np.array(curve) >= target)
    if not reached.size:
        return math.inf, math.inf
    epoch = int(reached[0])
    return epoch + 1.0, seconds[epoch] if epoch < len(seconds) else math.nan

"""Speed of learning: epochs and seconds to a validation accuracy that was stated beforehand.

A trial that does not reach the target is censored: its time counts as the budget that all trials
share.

Source: restricted mean of times that may be censored, Royston and Parmar 2013.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.trials import TRAINED, Row
from ablab.report.analysis.values import time_to_target
from ablab.stats.paired import Array, t_interval


@dataclass(frozen=True, eq=False)
class Times:
    """Times to the target of one variant's trials, one per seed; a censored one is the budget.

    Attributes:
        seeds: (n,), of the trials that trained.
        epochs: (n,), epochs to the target.
        seconds: (n,), seconds of training to the target, evaluation excluded; NaN if unknown or
            not comparable.
        reached: (n,), whether the target was reached within the budget of epochs.
        reached_seconds: (n,), whether it was reached within the budget of seconds.
        planned: the seeds of all its trials, those that did not train included.
    """

    seeds: tuple[int, ...]
    epochs: Array
    seconds: Array
    reached: NDArray[np.bool_]
    reached_seconds: NDArray[np.bool_]
    planned: frozenset[int] = frozenset()

    @property
    def mean_epochs(self) -> float:
        """The restricted mean of the epochs; NaN without trials."""
        return float(self.epochs.mean()) if self.seeds else math.nan

    @property
    def mean_seconds(self) -> float:
        """The restricted mean of the seconds; NaN without trials."""
        return float(self.seconds.mean()) if self.seeds else math.nan


@dataclass(frozen=True)
class Ratio:
    """The time of a variant as a multiple of the reference's.

    Attributes:
        value: geometric mean of the ratios of the seeds.
        interval: 95 %, back-transformed from the logarithm; None below three seeds and if all
            ratios are equal.
    """

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Speed:
    """Speed of learning in one block.

    Attributes:
        target: validation accuracy, in (0, 1).
        is_late: whether the target was set or changed after the sweep was first planned.
        epochs: budget of epochs, the shortest training of any trial; NaN without trials.
        seconds: budget of seconds, likewise; NaN if unknown or not comparable.
        reference: the variant that the others are compared with, or None.
        variants: times by variant, in the order of the report.
        contrasts: epochs of each other variant minus the reference's; described, not tested.
        contrasts_seconds: likewise in seconds; empty if these do not compare.
        ratios: of epochs, for the variants where no trial of either variant is censored.
        ratios_seconds: of seconds, likewise.
    """

    block: str
    target: float
    is_late: bool
    epochs: float
    seconds: float
    reference: str | None
    variants: Mapping[str, Times]
    contrasts: Mapping[str, Contrast]
    contrasts_seconds: Mapping[str, Contrast]
    ratios: Mapping[str, Ratio]
    ratios_seconds: Mapping[str, Ratio]


_VersusReference = tuple[dict[str, Contrast], dict[str, Ratio]]


def speed(comparison: Comparison, target: float, *, timed: bool, is_late: bool) -> Speed:
    """Compute how soon the variants of one block reach a validation accuracy.

    A trial that does not reach it, or diverges before, is censored; a failed trial is missing.

    Args:
        comparison: the comparison of the block.
        target: validation accuracy, in (0, 1).
        timed: whether all trials ran under the same conditions, so that seconds compare.
        is_late: whether the target was set or changed after the sweep was first planned.
    """
    trained = {
        v: [r for r in g.rows if r.outcome in TRAINED and (r.curve or r.outcome == "diverged")]
        for v, g in comparison.groups.items()
    }
    epochs, seconds = budgets([row for rows in trained.values() for row in rows])
    seconds = seconds if timed else math.nan
    variants = {
        v: replace(
            _times(rows, target, epochs, seconds),
            planned=frozenset(row.seed for row in comparison.groups[v].rows),
        )
        for v, rows in trained.items()
    }
    reference = comparison.reference
    in_epochs = _versus_reference(variants, reference, lambda t: (t.epochs, t.reached))
    in_seconds: _VersusReference = ({}, {})
    if not math.isnan(seconds):
        in_seconds = _versus_reference(
            variants, reference, lambda t: (t.seconds, t.reached_seconds)
        )
    return Speed(
        block=comparison.block,
        target=target,
        is_late=is_late,
        epochs=epochs,
        seconds=seconds,
        reference=reference,
        variants=variants,
        contrasts=in_epochs[0],
        contrasts_seconds=in_seconds[0],
        ratios=in_epochs[1],
        ratios_seconds=in_seconds[1],
    )


def budgets(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the fewest epochs and seconds of training of any trial that finished.

    Diverged trials count only if none finished: they ended early.
    """
    complete = [row for row in rows if row.outcome == "finished"]
    complete = complete or [row for row in rows if row.curve]
    seconds = [row.seconds[-1] if row.seconds else math.nan for row in complete]
    are_known = seconds and not np.isnan(seconds).any()
    return (
        float(min((len(row.curve) for row in complete), default=math.nan)),
        min(seconds) if are_known else math.nan,
    )


def _times(rows: Sequence[Row], target: float, epochs: float, seconds: float) -> Times:
    """Return the times to the target of one variant's trials, censored at the budgets."""
    times = [time_to_target(row.curve, row.seconds, target) for row in rows]
    to_epochs = np.array([epoch for epoch, _ in times], dtype=np.float64)
    to_seconds = np.array([second for _, second in times], dtype=np.float64)
    return Times(
        tuple(row.seed for row in rows),
        np.minimum(to_epochs, epochs),
        np.minimum(to_seconds, seconds),
        to_epochs <= epochs,
        to_seconds <= seconds,
    )


def _versus_reference(
    variants: Mapping[str, Times],
    reference: str | None,
    clock: Callable[[Times], tuple[Array, NDArray[np.bool_]]],
) -> _VersusReference:
    """Return differences to the reference, and ratios where nothing is censored, by variant."""
    contrasts: dict[str, Contrast] = {}
    ratios: dict[str, Ratio] = {}
    if reference is None or reference not in variants:
        return contrasts, ratios
    base = variants[reference]
    for variant, times in variants.items():
        if variant == reference:
            continue
        seeds = tuple(seed for seed in times.seeds if seed in base.seeds)
        both = times.planned & base.planned  # a variant that a look decided has fewer seeds
        left_out = len({*times.seeds, *base.seeds} & both) - len(seeds)
        (a, a_reached), (b, b_reached) = clock(times), clock(base)
        a = a[[times.seeds.index(seed) for seed in seeds]]
        b = b[[base.seeds.index(seed) for seed in seeds]]
        contrasts[variant] = Contrast(variant, reference, a - b, a - b, left_out, -1, seeds)
        if seeds and a_reached.all() and b_reached.all():
            ratios[variant] = _ratio(np.log(a) - np.log(b))
    return contrasts, ratios


def _ratio(logs: Array) -> Ratio:
    interval = t_interval(logs)
    bounds = None if interval is None else (math.exp(interval[0]), math.exp(interval[1]))
    return Ratio(math.exp(float(logs.mean())), bounds)

"""Speed of learning: epochs and seconds to a validation accuracy that was stated beforehand.

Source: the restricted mean of times that may be censored, Royston and Parmar 2013.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.times import Times, budgets, times_of
from ablab.report.analysis.trials import TRAINED
from ablab.stats.paired import Array, t_interval


@dataclass(frozen=True)
class Ratio:
    """How many times as long a variant takes as its reference.

    Attributes:
        value: the geometric mean of the seeds' ratios.
        interval: 95 %, of its logarithm; None below three seeds and where all are equal.
    """

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Speed:
    """Speed of learning in one block.

    Attributes:
        target: validation accuracy, in (0, 1).
        is_late: whether the target was set or changed after the sweep was first planned.
        epochs: the budget of epochs, the shortest that all share; NaN for no trial.
        seconds: the budget of seconds, likewise; NaN where they are not known or do not compare.
        reference: the variant that the others are held against, or None.
        variants: the times of each, in the order of the report.
        contrasts: epochs of each other variant minus the reference's; described, not tested.
        contrasts_seconds: likewise in seconds; empty where these do not compare.
        ratios: of epochs, for the variants where neither side is censored.
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


_Held = tuple[dict[str, Contrast], dict[str, Ratio]]


def speed(comparison: Comparison, target: float, *, timed: bool, is_late: bool) -> Speed:
    """Return how soon the variants of one block reach a validation accuracy.

    A trial that never gets there, or diverges before, is censored; one that failed is missing.

    Args:
        comparison: the block's.
        target: validation accuracy, in (0, 1).
        timed: whether all trials ran on one kind of hardware, so that seconds compare.
        is_late: whether the target was set or changed after the sweep was first planned.
    """
    trained = {
        v: [r for r in g.rows if r.outcome in TRAINED and (r.curve or r.outcome == "diverged")]
        for v, g in comparison.groups.items()
    }
    epochs, seconds = budgets([row for rows in trained.values() for row in rows])
    seconds = seconds if timed else math.nan
    variants = {v: times_of(rows, target, epochs, seconds) for v, rows in trained.items()}
    reference = comparison.reference
    in_epochs = _held(variants, reference, lambda t: (t.epochs, t.reached))
    in_seconds: _Held = ({}, {})
    if not math.isnan(seconds):
        in_seconds = _held(variants, reference, lambda t: (t.seconds, t.reached_seconds))
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


def _held(
    variants: Mapping[str, Times],
    reference: str | None,
    clock: Callable[[Times], tuple[Array, NDArray[np.bool_]]],
) -> _Held:
    """Return differences to the reference, and ratios where nothing is censored, by variant."""
    contrasts: dict[str, Contrast] = {}
    ratios: dict[str, Ratio] = {}
    if reference is None or reference not in variants:
        return contrasts, ratios
    theirs = variants[reference]
    for variant, times in variants.items():
        if variant == reference:
            continue
        seeds = tuple(seed for seed in times.seeds if seed in theirs.seeds)
        lost = len({*times.seeds, *theirs.seeds}) - len(seeds)
        (a, a_reached), (b, b_reached) = clock(times), clock(theirs)
        a = a[[times.seeds.index(seed) for seed in seeds]]
        b = b[[theirs.seeds.index(seed) for seed in seeds]]
        contrasts[variant] = Contrast(variant, reference, a - b, a - b, lost, -1, seeds)
        if seeds and a_reached.all() and b_reached.all():
            ratios[variant] = _ratio(np.log(a) - np.log(b))
    return contrasts, ratios


def _ratio(logs: Array) -> Ratio:
    interval = t_interval(logs)
    bounds = None if interval is None else (math.exp(interval[0]), math.exp(interval[1]))
    return Ratio(math.exp(float(logs.mean())), bounds)

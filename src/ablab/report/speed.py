"""Speed of learning: epochs and seconds to a validation accuracy that was stated beforehand.

Source: the restricted mean of times that may be censored, Royston and Parmar 2013.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablab.report.comparison import Comparison
from ablab.report.contrast import Contrast
from ablab.report.statistics import Array, t_interval
from ablab.report.table import TRAINED, Row


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
    epochs: float
    seconds: float
    reference: str | None
    variants: Mapping[str, Times]
    contrasts: Mapping[str, Contrast]
    contrasts_seconds: Mapping[str, Contrast]
    ratios: Mapping[str, Ratio]
    ratios_seconds: Mapping[str, Ratio]


def speed(comparison: Comparison, target: float, *, timed: bool) -> Speed:
    """Return how soon the variants of one block reach a validation accuracy.

    A trial that never gets there, or diverges before, is censored; one that failed is missing.

    Args:
        comparison: the block's.
        target: validation accuracy, in (0, 1).
        timed: whether all trials ran on one kind of hardware, so that seconds compare.
    """
    trained = {
        v: [r for r in g.rows if r.outcome in TRAINED and r.curve]
        for v, g in comparison.groups.items()
    }
    everything = [row for rows in trained.values() for row in rows]
    whole = [row for row in everything if row.outcome == "finished"] or everything
    epochs = float(min((len(row.curve) for row in whole), default=math.nan))
    totals = [row.seconds[-1] if row.seconds else math.nan for row in whole]
    known = timed and bool(totals) and not np.isnan(totals).any()
    seconds = min(totals) if known else math.nan
    variants = {v: _times(rows, target, epochs, seconds) for v, rows in trained.items()}
    reference = variants.get(str(comparison.reference))
    others = {v: t for v, t in variants.items() if reference and v != comparison.reference}
    against = (comparison.reference or "", reference, others)
    clocks = {"seconds": _held(*against, "seconds") if known else ({}, {})}
    clocks["epochs"] = _held(*against, "epochs")
    return Speed(
        block=comparison.block,
        target=target,
        epochs=epochs,
        seconds=seconds,
        reference=comparison.reference,
        variants=variants,
        contrasts=clocks["epochs"][0],
        contrasts_seconds=clocks["seconds"][0],
        ratios=clocks["epochs"][1],
        ratios_seconds=clocks["seconds"][1],
    )


def _times(rows: Sequence[Row], target: float, epochs: float, seconds: float) -> Times:
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


def _held(
    name: str, reference: Times | None, others: Mapping[str, Times], clock: str
) -> tuple[dict[str, Contrast], dict[str, Ratio]]:
    """Return differences to the reference, and ratios where nothing is censored, by variant."""
    contrasts, ratios = {}, {}
    reached = "reached" if clock == "epochs" else "reached_seconds"
    for variant, times in others.items():
        assert reference is not None
        seeds = tuple(seed for seed in times.seeds if seed in reference.seeds)
        own = [times.seeds.index(seed) for seed in seeds]
        theirs = [reference.seeds.index(seed) for seed in seeds]
        a, b = getattr(times, clock)[own], getattr(reference, clock)[theirs]
        lost = len(set(times.seeds) | set(reference.seeds)) - len(seeds)
        contrasts[variant] = Contrast(variant, name, a - b, a - b, lost, -1, seeds=seeds)
        uncensored = getattr(times, reached).all() and getattr(reference, reached).all()
        if uncensored and seeds:
            ratios[variant] = _ratio(np.log(a) - np.log(b))
    return contrasts, ratios


def _ratio(logs: Array) -> Ratio:
    interval = t_interval(logs)
    bounds = None if interval is None else (math.exp(interval[0]), math.exp(interval[1]))
    return Ratio(math.exp(float(logs.mean())), bounds)

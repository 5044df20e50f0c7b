"""Speed of learning: epochs and seconds to a validation accuracy that was stated beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablab.report.contrast import Contrast
from ablab.report.statistics import Array


@dataclass(frozen=True, eq=False)
class Times:
    """How long the trials of one variant took, a number a seed; a censored one has the budget.

    Attributes:
        seeds: (n,), of the trials that trained.
        epochs: (n,), epochs to the target.
        seconds: (n,), seconds of training to the target, evaluation excluded.
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
        """The restricted mean of the epochs."""
        return float(self.epochs.mean())

    @property
    def mean_seconds(self) -> float:
        """The restricted mean of the seconds."""
        return float(self.seconds.mean())


@dataclass(frozen=True)
class Ratio:
    """How many times as long a variant takes as its reference.

    Attributes:
        value: the geometric mean of the seeds' ratios.
        interval: 95 %, of its logarithm; None where there is none.
    """

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Speed:
    """Speed of learning in one block.

    Attributes:
        target: validation accuracy, in (0, 1).
        epochs: the budget of epochs, the shortest that all share.
        seconds: the budget of seconds, likewise; NaN where trials ran on different hardware.
        reference: the variant that the others are held against, or None.
        variants: the times of each, in the order of the report.
        contrasts: epochs of each other variant minus the reference's; described, not tested.
        ratios: of epochs, for the variants where nothing is censored.
        ratios_seconds: of seconds, likewise.
    """

    block: str
    target: float
    epochs: float
    seconds: float
    reference: str | None
    variants: Mapping[str, Times]
    contrasts: Mapping[str, Contrast]
    ratios: Mapping[str, Ratio]
    ratios_seconds: Mapping[str, Ratio]

"""A contrast: the paired differences of two variants, one per seed, with intervals and tests."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ablab.stats import intervals, paired, power
from ablab.stats.equivalence import Equivalence
from ablab.stats.intervals import Components
from ablab.stats.paired import Array


def _no_images() -> Components:
    return ()


@dataclass(frozen=True, eq=False)
class Contrast:
    """A variant against a reference, seed by seed.

    Attributes:
        differences: variant minus reference, a number a seed; over several blocks their mean.
        converged: those of the seeds on which no trial diverged.
        left_out: how many seeds lack a trial that counts.
        direction: 1 where more is better, -1 where less is.
        seeds: those of the differences.
        blocks: those that are averaged, in which both variants are planned.
        components: what the drawing of test images adds, as of `Images`.
        uncounted: how many trials diverged without a figure to count, of the variant and of the
            reference; leaving them out flatters the side that has any, so it claims nothing.
        p: two-sided, of the paired t test; NaN where the contrast is described, not tested.
        p_holm: the same, adjusted over the family: that of the verdict, or where there are
            several blocks, all variant × block cells for a contrast within one.
        p_flip: of the sign-flip test, adjusted likewise; NaN where that would take too long.
        level: the level that Holm's method gives this contrast.
        m: how many contrasts the family has.
        equivalence: what is to be said of the margin; for the kind ``equivalence`` alone.
    """

    variant: str
    reference: str
    differences: Array
    converged: Array
    left_out: int
    direction: int
    seeds: tuple[int, ...] = ()
    blocks: tuple[str, ...] = ()
    components: Callable[[], Components] = _no_images
    uncounted: tuple[int, int] = (0, 0)
    p: float = math.nan
    p_holm: float = math.nan
    p_flip: float = math.nan
    level: float = paired.ALPHA
    m: int = 1
    equivalence: Equivalence | None = None

    @property
    def n(self) -> int:
        """How many pairs there are."""
        return self.differences.size

    @property
    def mean(self) -> float:
        """The mean difference, NaN where there is no pair."""
        return float(self.differences.mean()) if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of this contrast alone."""
        return paired.t_interval(self.differences)

    @property
    def step_interval(self) -> tuple[float, float] | None:
        """The t interval at the contrast's Holm step, which agrees with ``p_holm``."""
        return paired.t_interval(self.differences, self.level)

    @property
    def p_cell(self) -> float:
        """The name of `p_holm` where the family is all variant × block cells."""
        return self.p_holm

    @cached_property
    def images_interval(self) -> tuple[float, float] | None:
        """The 95 % interval that also covers the drawing of test images; None if not known."""
        return intervals.images_interval(self.differences, self.components())

    @cached_property
    def bca(self) -> tuple[float, float] | None:
        """The 95 % BCa bootstrap interval, from twenty seeds on."""
        return intervals.bca_interval(self.differences)

    @property
    def won_interval(self) -> tuple[float, float] | None:
        """The exact 95 % interval of the probability to win a seed, from ten seeds on."""
        return intervals.won_interval(self.won, self.n)

    @property
    def minimum_detectable_difference(self) -> float:
        """The difference that would be found 4 times in 5."""
        return power.minimum_detectable_difference(self.differences, self.m)

    @property
    def is_unreliable(self) -> bool:
        """Tell whether a diverged trial counts in it."""
        return self.converged.size < self.n

    @property
    def won(self) -> float:
        """How many seeds the variant won, ties half."""
        return paired.seeds_won(self.differences * self.direction)

    @property
    def result(self) -> str:
        """Whether the variant is ``ahead``, ``behind``, or the matter is ``open``."""
        if math.isnan(self.p) or self.p_holm > paired.ALPHA:
            return "open"
        is_ahead = self.mean * self.direction > 0
        if self.uncounted[0 if is_ahead else 1]:
            return "open"
        return "ahead" if is_ahead else "behind"

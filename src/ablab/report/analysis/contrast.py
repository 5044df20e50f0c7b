"""A contrast: the paired differences of two variants, one per seed, with intervals and tests."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ablab.stats import intervals, paired, power
from ablab.stats.equivalence import Equivalence
from ablab.stats.intervals import Components
from ablab.stats.paired import Array
from ablab.stats.sequential import Look

_ONLY = Look()


def _no_images() -> Components:
    return ()


@dataclass(frozen=True, eq=False)
class Contrast:
    """A variant versus a reference: one paired difference per seed.

    The properties are computed from the differences; the fields from `p` on are set by
    `corrected`, since they depend on the family. Where a look is one of several, p-values and
    intervals are repeated ones, adjusted for the looks.

    Attributes:
        differences: variant minus reference, one per seed; averaged over blocks if there are
            several.
        converged: the differences of the seeds on which no trial diverged.
        left_out: number of seeds that lack a trial with a value.
        direction: 1 if higher is better, -1 if lower is better.
        seeds: the seeds of the differences.
        blocks: the blocks averaged over: those in which both variants are planned.
        components: returns what the sampling of test images adds to the variance, as in `Images`.
        uncounted: number of trials that diverged without a value, of the variant and of the
            reference. Leaving them out flatters the one that has any, so it cannot win.
        compared: the variants that it is computed from.
        look: the look that tests it; the only one if the number of seeds is fixed.
        p: two-sided p of the paired t test; NaN if the contrast is described, not tested.
        p_holm: ``p`` adjusted over the family: that of the verdict or, for a contrast within one
            of several blocks, all variant × block cells.
        p_flip: p of the sign-flip test, adjusted likewise; NaN if computing it takes too long.
        level: the level that Holm's method gives this contrast.
        m: number of contrasts in the family.
        equivalence: the equivalence test; for the kind ``equivalence`` alone.
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
    compared: tuple[str, ...] = ()
    look: Look = _ONLY
    p: float = math.nan
    p_holm: float = math.nan
    p_flip: float = math.nan
    level: float = paired.ALPHA
    m: int = 1
    equivalence: Equivalence | None = None

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.differences.size

    @property
    def mean(self) -> float:
        """Mean difference; NaN without pairs."""
        return float(self.differences.mean()) if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of this contrast alone."""
        return paired.t_interval(self.differences, self.look.nominal(paired.ALPHA))

    @property
    def step_interval(self) -> tuple[float, float] | None:
        """The t interval at the contrast's Holm step; excludes 0 exactly if ``p_holm`` <= 0.05."""
        return paired.t_interval(self.differences, self.look.nominal(self.level))

    @property
    def p_cell(self) -> float:
        """`p_holm` under its name for a family of all variant × block cells."""
        return self.p_holm

    @cached_property
    def images_interval(self) -> tuple[float, float] | None:
        """The 95 % interval that also covers the sampling of test images; None if unknown."""
        level = self.look.nominal(paired.ALPHA)
        return intervals.images_interval(self.differences, self.components(), level)

    @cached_property
    def bca(self) -> tuple[float, float] | None:
        """The 95 % BCa bootstrap interval; None below twenty seeds."""
        return intervals.bca_interval(self.differences, self.look.nominal(paired.ALPHA))

    @property
    def won_interval(self) -> tuple[float, float] | None:
        """The exact 95 % interval of the probability of winning a seed; None below ten seeds."""
        return intervals.won_interval(self.won, self.n)

    @property
    def minimum_detectable_difference(self) -> float:
        """The true difference that would be detected with 80 % power; NaN if unknown."""
        return power.minimum_detectable_difference(self.differences, self.m, self.look)

    @property
    def is_unreliable(self) -> bool:
        """Whether a diverged trial counts in it."""
        return self.converged.size < self.n

    @property
    def won(self) -> float:
        """Number of seeds that the variant won; a tie counts as half."""
        return paired.seeds_won(self.differences * self.direction)

    @property
    def result(self) -> str:
        """The result of the test: ``ahead``, ``behind``, or ``open`` if nothing was detected."""
        if math.isnan(self.p) or self.p_holm > paired.ALPHA:
            return "open"
        is_ahead = self.mean * self.direction > 0
        if self.uncounted[0 if is_ahead else 1]:
            return "open"
        return "ahead" if is_ahead else "behind"

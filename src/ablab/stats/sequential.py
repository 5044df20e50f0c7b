"""Group-sequential tests: looks at growing numbers of seeds that share one error probability.

A look tests all seeds so far by the paired t test. The error probability, the level, is spent over
the looks by an alpha-spending function, and each look has a nominal level for its own p. For normal
differences the level is exact; benchmarks/results/looks.txt has the error rates for others.

Source: Lan and DeMets 1983 for the spending functions; Jennison and Turnbull 2000, chapters 7 and
9, for repeated intervals and p-values.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from ablab.stats.boundaries import boundaries
from ablab.stats.paired import Array

_KNOTS = 192
_MAX_QUANTILE = 7.5  # of a level of 6e-14


def obrien_fleming(level: Array, fraction: float) -> Array:
    """Return the two-sided error probability spent, little at the early looks.

    Args:
        level: two-sided level of the whole design, in [0, 1].
        fraction: share of the seeds of the last look, in (0, 1].

    Source: Lan and DeMets 1983, the type of O'Brien and Fleming's boundaries.
    """
    result: Array = 4 * special.ndtr(special.ndtri(level / 4) / math.sqrt(fraction))
    return result


def pocock(level: Array, fraction: float) -> Array:
    """Return the two-sided error probability spent, about the same at each look.

    Args:
        level: two-sided level of the whole design, in [0, 1].
        fraction: share of the seeds of the last look, in (0, 1].

    Source: Lan and DeMets 1983, the type of Pocock's boundaries.
    """
    return level * math.log(1 + (math.e - 1) * fraction)


SPENDING: Mapping[str, Callable[[Array, float], Array]] = {
    "obrien_fleming": obrien_fleming,
    "pocock": pocock,
}


@dataclass(frozen=True)
class Look:
    """One look of a group-sequential design; without sizes, the only look of a fixed one.

    Attributes:
        sizes: number of seeds at each look, growing.
        number: which look it is, from 1.
        spending: one of `SPENDING`.

    Example:
        >>> look = Look((5, 10, 15, 20), 4)
        >>> round(look.nominal(0.05), 4)
        0.0422
        >>> look.repeated(np.array([0.0422, 0.5])).round(3)
        array([0.05 , 0.663])
    """

    sizes: tuple[int, ...] = ()
    number: int = 1
    spending: str = "obrien_fleming"

    @property
    def is_only(self) -> bool:
        """Whether the design has no other look, so that nothing is adjusted."""
        return len(self.sizes) < 2

    @property
    def size(self) -> int:
        """Number of seeds."""
        return self.sizes[self.number - 1]

    @property
    def last(self) -> "Look":
        """The last look of the design."""
        return Look(self.sizes, max(1, len(self.sizes)), self.spending)

    def nominal(self, level: float) -> float:
        """Return the level of this look's own two-sided test in a design of the given level.

        A p of this look that is at most the nominal level rejects, and the t interval at the
        nominal level is the repeated interval of the given level.
        """
        if self.is_only:
            return level
        levels, nominal = _quantiles(self.sizes, self.spending)
        return float(_levels(np.interp(_quantile(level), levels, nominal[self.number - 1])))

    def repeated(self, p: Array) -> Array:
        """Return repeated p-values: the level of the design whose nominal level here is ``p``.

        Args:
            p: two-sided p of this look's own test, any shape; NaN stays NaN.
        """
        if self.is_only:
            return p
        levels, nominal = _quantiles(self.sizes, self.spending)
        return _levels(np.interp(_quantile(p), nominal[self.number - 1], levels))


def _quantile(level: Array | float) -> Array:
    result: Array = -special.ndtri(np.asarray(level) / 2)
    return result


def _levels(quantile: Array) -> Array:
    result: Array = 2 * special.ndtr(-quantile)
    return result


@lru_cache(maxsize=32)
def _quantiles(sizes: tuple[int, ...], spending: str) -> tuple[Array, Array]:
    """Return normal quantiles of levels, (_KNOTS,), and of nominal levels, (looks, _KNOTS).

    Both grow along the knots, so that `np.interp` in one direction inverts that in the other.
    """
    quantiles = np.linspace(0, _MAX_QUANTILE, _KNOTS)
    bounds = boundaries(sizes, error_spent(_levels(quantiles), sizes, spending))
    return quantiles, np.maximum.accumulate(bounds, axis=1) + 1e-12 * quantiles


def error_spent(levels: Array, sizes: Sequence[int], spending: str) -> Array:
    """Return the error probability spent up to each look, (looks, levels).

    Args:
        levels: two-sided levels of the design, (levels,), in (0, 1].
        sizes: number of seeds at each look, growing.
        spending: one of `SPENDING`.
    """
    spend = SPENDING[spending]
    return np.stack([np.minimum(spend(levels, size / sizes[-1]), levels) for size in sizes])

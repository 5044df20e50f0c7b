"""Group-sequential tests: looks at growing numbers of seeds that share one error probability.

A look tests all seeds so far. The error probability, the level, is spent over the looks by an
alpha-spending function, and each look has a nominal level for its own p. The nominal levels follow
from the joint normal distribution of the statistics of all looks and are applied to the p of the
paired t test (the significance-level approach), which is approximate for few seeds;
benchmarks/results/looks.txt has the error rates by simulation.

Source: Lan and DeMets 1983 for the spending functions; Armitage, McPherson and Rowe 1969 for the
recursion; Jennison and Turnbull 2000, chapters 3, 7 and 9, for the significance-level approach and
for repeated intervals and p-values.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from ablab.stats.paired import Array

_KNOTS = 192
_MAX_QUANTILE = 7.5  # of a level of 6e-14; also the range of the integrals
_NODES = 96
_STEPS = 44


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
        0.044
        >>> look.repeated(np.array([0.044, 0.5])).round(3)
        array([0.05 , 0.654])
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
    parts = np.array_split(_levels(quantiles), 16)  # the kernels of all levels need much memory
    bounds = np.concatenate([boundaries(part, sizes, spending) for part in parts], axis=1)
    return quantiles, np.maximum.accumulate(bounds, axis=1) + 1e-12 * quantiles


def boundaries(levels: Array, sizes: tuple[int, ...], spending: str) -> Array:
    """Return the critical normal quantiles of each look, (looks, levels).

    Args:
        levels: two-sided levels of the design, (levels,), in (0, 1].
        sizes: number of seeds at each look, growing.
        spending: one of `SPENDING`.
    """
    root, step = np.sqrt(sizes), np.sqrt(np.diff(sizes))
    # The kernel of a look has the width step / root, and some nodes must lie within it.
    nodes = max(_NODES, math.ceil(40 * float((root[1:] / step).max(initial=0))))
    x, weights = special.roots_legendre(nodes)
    spent = np.stack([np.minimum(SPENDING[spending](levels, n / sizes[-1]), levels) for n in sizes])
    bounds = [-special.ndtri(spent[0] / 2)]
    half = np.minimum(bounds[0], _MAX_QUANTILE)[:, None]
    z = half * x
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * half * weights
    for k in range(1, len(sizes)):
        center, scale = z * (root[k - 1] / step[k - 1]), float(root[k] / step[k - 1])
        bounds.append(_bound(center, density, scale, spent[k] - spent[k - 1]))
        if k == len(sizes) - 1:
            break
        half = np.minimum(bounds[-1], _MAX_QUANTILE)[:, None]
        z = half * x
        kernel = np.exp(-((scale * z[:, :, None] - center[:, None, :]) ** 2) / 2)
        density = np.einsum("lij,lj->li", kernel, density) * (scale / math.sqrt(2 * math.pi))
        density *= half * weights
    return np.stack(bounds)


def _bound(center: Array, density: Array, scale: float, error: Array) -> Array:
    """Return the bound of a look that exactly this error probability crosses, by bisection.

    Args:
        center: (levels, nodes), the expected statistic at each node of the look before, in units of
            its standard deviation given that node.
        density: (levels, nodes), the probability of the node without a rejection so far.
        scale: of this look's statistic to these units.
        error: (levels,), the error probability that this look spends.
    """
    low, high = np.zeros(error.size), np.full(error.size, 2 * _MAX_QUANTILE)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        edge = scale * middle[:, None]
        crossed = special.ndtr(center - edge) + special.ndtr(-center - edge)
        is_too_low = (density * crossed).sum(axis=1) > error
        low, high = np.where(is_too_low, middle, low), np.where(is_too_low, high, middle)
    return high

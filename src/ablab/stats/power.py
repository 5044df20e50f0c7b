"""What a comparison of this size could have seen."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import special

from ablab.stats.paired import ALPHA, Array, all_equal

POWER = 0.8


def minimum_detectable_difference(differences: Array, m: int) -> float:
    """Return the true mean that a test among m contrasts would find 4 times in 5.

    At level 0.05/m, from the spread of these differences; NaN for fewer than three, and where
    all are equal.
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return math.nan
    return _noncentrality(n, m) * float(differences.std(ddof=1)) / math.sqrt(n)


def detectable_margin(differences: Array, m: int) -> float:
    """Return the margin within which m equivalences would be shown 4 times in 5 each.

    Were there no difference, at level 0.05/m, from the spread of these differences; NaN for
    fewer than three, and where all are equal.
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return math.nan
    return _margin(n, m) * float(differences.std(ddof=1)) / math.sqrt(n)


@lru_cache
def _noncentrality(n: int, m: int) -> float:
    def tails(shift: float, bounds: Array) -> Array:
        result: Array = special.ndtr(shift - bounds) + special.ndtr(-shift - bounds)
        return result

    return _solved(n, ALPHA / m / 2, tails)


@lru_cache
def _margin(n: int, m: int) -> float:
    def inside(shift: float, bounds: Array) -> Array:
        result: Array = np.maximum(2 * special.ndtr(shift - bounds) - 1, 0)
        return result

    return _solved(n, ALPHA / m, inside)


def _solved(n: int, tail: float, power: Callable[[float, Array], Array]) -> float:
    """Return the shift, in standard errors, at which the power is reached.

    Args:
        n: how many differences.
        tail: what t leaves on one side.
        power: the power at a shift, given the bounds that stand at the sample's spreads.
    """
    # The power is the mean, over the sample's spread, of normal tails. We integrate that by
    # Gauss and Legendre: scipy's noncentral t is NaN at small n and large noncentrality.
    nodes, weights = special.roots_legendre(400)  # numpy's takes a dense matrix
    df, critical = n - 1, float(special.stdtrit(n - 1, 1 - tail))
    bounds = critical * np.sqrt(special.chdtri(df, (1 - nodes) / 2) / df)
    low, high = 0.0, critical * math.sqrt(float(special.chdtri(df, 0.1)) / df) + 3
    for _ in range(60):
        middle = (low + high) / 2
        reached = float(weights @ power(middle, bounds)) / 2
        low, high = (middle, high) if reached < POWER else (low, middle)
    return high

"""Minimum detectable differences and margins at 80 % power."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import special

from ablab.stats.paired import ALPHA, Array, all_equal

POWER = 0.8


def minimum_detectable_difference(differences: Array, m: int) -> float:
    """Return the true mean difference that the paired t test detects with 80 % power.

    At level 0.05/m, from the standard deviation of these differences; NaN for fewer than three
    and if all are equal.

    Args:
        differences: (n,).
        m: number of contrasts in the family.
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return math.nan
    return _noncentrality(n, m) * float(differences.std(ddof=1)) / math.sqrt(n)


def detectable_margin(differences: Array, m: int) -> float:
    """Return the margin within which each of m equivalences is shown with 80 % power.

    For a true difference of zero, at level 0.05/m, from the standard deviation of these
    differences; NaN for fewer than three and if all are equal.

    Args:
        differences: (n,).
        m: number of contrasts in the family.
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return math.nan
    return _margin(n, m) * float(differences.std(ddof=1)) / math.sqrt(n)


@lru_cache
def _noncentrality(n: int, m: int) -> float:
    """Return the minimum detectable difference in standard errors."""

    def tails(shift: float, bounds: Array) -> Array:
        result: Array = special.ndtr(shift - bounds) + special.ndtr(-shift - bounds)
        return result

    return _shift_at_power(n, ALPHA / m / 2, tails)


@lru_cache
def _margin(n: int, m: int) -> float:
    """Return the detectable margin in standard errors."""

    def inside(shift: float, bounds: Array) -> Array:
        result: Array = np.maximum(2 * special.ndtr(shift - bounds) - 1, 0)
        return result

    return _shift_at_power(n, ALPHA / m, inside)


def _shift_at_power(n: int, tail: float, power: Callable[[float, Array], Array]) -> float:
    """Return the shift, in standard errors, at which the power is 80 %.

    Args:
        n: number of differences.
        tail: one-sided level of the t test.
        power: power at a shift, given the critical bound at each quantile of the sample's standard
            deviation.
    """
    # The power is the mean of normal tails over the distribution of the sample's standard
    # deviation. It is integrated by Gauss-Legendre quadrature, because scipy's noncentral t is
    # NaN at small n and large noncentrality.
    nodes, weights = special.roots_legendre(400)  # numpy's leggauss builds a dense matrix
    df, critical = n - 1, float(special.stdtrit(n - 1, 1 - tail))
    bounds = critical * np.sqrt(special.chdtri(df, (1 - nodes) / 2) / df)
    low, high = 0.0, critical * math.sqrt(float(special.chdtri(df, 0.1)) / df) + 3
    for _ in range(60):
        center = (low + high) / 2
        reached = float(weights @ power(center, bounds)) / 2
        low, high = (center, high) if reached < POWER else (low, center)
    return high

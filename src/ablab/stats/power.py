"""Minimum detectable differences and margins at 80 % power."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from ablab.stats.paired import ALPHA, Array, all_equal
from ablab.stats.sequential import Look

POWER = 0.8


_ONLY = Look()


class Detectable(NamedTuple):
    """What numbers of seeds detect with 80 % power, by the spread of finished trials.

    Attributes:
        basis: number of pairs that the spread was computed from.
        sizes: by number of seeds, the smallest and the largest such difference, over contrasts.
    """

    basis: int
    sizes: Mapping[int, tuple[float, float]]


def minimum_detectable_difference(differences: Array, m: int, look: Look = _ONLY) -> float:
    """Return the true mean difference that the paired t test detects with 80 % power.

    At level 0.05/m, from the standard deviation of these differences; NaN for fewer than three
    and if all are equal. Of several looks it is the power of this one alone.

    Args:
        differences: (n,).
        m: number of contrasts in the family.
        look: the look that tests them.
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return math.nan
    return standardized_difference(n, m, look) * float(differences.std(ddof=1))


def standardized_difference(n: int, m: int, look: Look = _ONLY) -> float:
    """Return the difference that is detected with 80 % power, in standard deviations.

    Args:
        n: number of differences, >= 3.
        m: number of contrasts in the family.
        look: the look that tests them.
    """
    return _noncentrality(n, look.nominal(ALPHA / m)) / math.sqrt(n)


def standardized_margin(n: int, m: int, look: Look = _ONLY) -> float:
    """Return the margin that is shown with 80 % power, in standard deviations.

    Args:
        n: number of differences, >= 3.
        m: number of contrasts in the family.
        look: the look that tests them.
    """
    return _margin(n, look.nominal(2 * ALPHA / m) / 2) / math.sqrt(n)


def detectable_margin(differences: Array, m: int, look: Look = _ONLY) -> float:
    """Return the margin within which each of m equivalences is shown with 80 % power.

    For a true difference of zero, at level 0.05/m, from the standard deviation of these
    differences; NaN for fewer than three and if all are equal.

    Args:
        differences: (n,).
        m: number of contrasts in the family.
        look: the look that tests them.
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return math.nan
    return standardized_margin(n, m, look) * float(differences.std(ddof=1))


@lru_cache
def _noncentrality(n: int, level: float) -> float:
    """Return the minimum detectable difference of a two-sided test in standard errors."""

    def tails(shift: float, bounds: Array) -> Array:
        result: Array = special.ndtr(shift - bounds) + special.ndtr(-shift - bounds)
        return result

    return _shift_at_power(n, level / 2, tails)


@lru_cache
def _margin(n: int, level: float) -> float:
    """Return the detectable margin of two one-sided tests in standard errors."""

    def inside(shift: float, bounds: Array) -> Array:
        result: Array = np.maximum(2 * special.ndtr(shift - bounds) - 1, 0)
        return result

    return _shift_at_power(n, level, inside)


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

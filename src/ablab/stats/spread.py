"""The test of a standard deviation against a bound.

Source: the chi-squared distribution of the sample variance of normal values, Fisher 1924.
"""

import math

import numpy as np
from scipy import special

from ablab.stats.paired import ALPHA, Array, all_equal


def spread_p(values: Array, bound: float) -> tuple[float, float]:
    """Return two p-values: small if the standard deviation is below, or above, the bound.

    The first is one-sided, the second doubled, as for an equivalence test. If all values are equal
    they are that of the sign-flip test and 1. NaN for fewer than three values.

    Args:
        values: (n,), one per seed.
        bound: > 0.
    """
    n = values.size
    if n < 3:
        return math.nan, math.nan
    if bool(all_equal(values)):
        return 2.0 ** (1 - n), 1.0
    statistic = (n - 1) * float(values.var(ddof=1)) / bound**2
    above = min(1.0, 2 * float(special.chdtrc(n - 1, statistic)))
    return float(special.chdtr(n - 1, statistic)), above


def spread_interval(values: Array, level: float = ALPHA) -> tuple[float, float] | None:
    """Return the ``1 - level`` interval of the standard deviation.

    None for fewer than three values and if all are equal.

    Args:
        values: (n,).
        level: two-sided probability that the interval misses it, in (0, 1).
    """
    n = values.size
    if n < 3 or bool(all_equal(values)):
        return None
    total = (n - 1) * float(values.var(ddof=1))
    ends = (special.chdtri(n - 1, level / 2), special.chdtri(n - 1, 1 - level / 2))
    low, high = (math.sqrt(total / float(end)) for end in ends)
    return low, high


def detectable_spread(n: int, bound: float, m: int) -> float:
    """Return the largest true standard deviation that is found to be below the bound.

    With 80 % power at level 0.05/m; NaN for fewer than three values.

    Args:
        n: number of values.
        bound: > 0.
        m: number of tests in the family.
    """
    if n < 3:
        return math.nan
    critical = special.chdtri(n - 1, 1 - ALPHA / m)  # below it, the bound is undercut
    return bound * float(np.sqrt(critical / special.chdtri(n - 1, 0.2)))

"""What a comparison of this size could have seen."""

import math
from functools import lru_cache

import numpy as np
from scipy import special

from ablab.report.statistics import ALPHA, Array, all_equal

POWER = 0.8


def detectable(differences: Array, m: int) -> float:
    """Return the true mean that a test among m contrasts would find 4 times in 5.

    At level 0.05/m, from the spread of these differences; NaN for fewer than three, and where
    all are equal.
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return math.nan
    return _noncentrality(n, m) * float(differences.std(ddof=1)) / math.sqrt(n)


@lru_cache
def _noncentrality(n: int, m: int) -> float:
    # The power is the mean, over the sample's spread, of a normal tail. We integrate that by
    # Gauss and Legendre: scipy's noncentral t is NaN at small n and large noncentrality.
    nodes, weights = special.roots_legendre(400)  # numpy's takes a dense matrix
    df, critical = n - 1, float(special.stdtrit(n - 1, 1 - ALPHA / m / 2))
    spread = np.sqrt(special.chdtri(df, (1 - nodes) / 2) / df)
    low, high = 0.0, critical * math.sqrt(float(special.chdtri(df, 0.1)) / df) + 3
    for _ in range(60):
        middle = (low + high) / 2
        tails = special.ndtr(middle - critical * spread) + special.ndtr(-middle - critical * spread)
        power = float(weights @ tails) / 2
        low, high = (middle, high) if power < POWER else (low, middle)
    return high

"""Ranks, and the correlation of ranks.

Source: Spearman 1904; equal values share the mean of their ranks.
"""

import math

import numpy as np

from ablab.stats.paired import Array


def mean_ranks(values: Array) -> Array:
    """Return the ranks of values from 1; equal values share the mean of theirs.

    Args:
        values: (n,).

    Example:
        >>> mean_ranks(np.array([0.3, 0.1, 0.3])).tolist()
        [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: Array = (ends - (counts - 1) / 2)[inverse]
    return means


def rank_correlation(a: Array, b: Array) -> float:
    """Return Spearman's rank correlation, in [-1, 1].

    NaN for fewer than three pairs, if a value is not finite, or if all of one side are equal.

    Args:
        a: (n,).
        b: (n,), in the same order.
    """
    is_known = bool(np.isfinite(a).all() and np.isfinite(b).all())
    if a.size < 3 or not is_known or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(mean_ranks(a), mean_ranks(b))[0, 1])

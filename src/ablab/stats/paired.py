"""Tests and effect sizes of paired differences, one difference per seed.

Source: Student's t test, the sign-flip test (Fisher 1935), Holm 1979, and Hedges 1981 for the
correction of the standardized difference.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

ALPHA = 0.05
MAX_SIGN_FLIP_N = 40


def all_equal(differences: Array) -> NDArray[np.bool_]:
    """Return whether the differences along the last axis are all the same number.

    Args:
        differences: (..., n); differences of accuracies are counts of images over their total,
            so that equal counts are equal floats.
    """
    value_range = np.ptp(differences, axis=-1)
    result: NDArray[np.bool_] = value_range <= 1e-12 * np.abs(differences).max(axis=-1)
    return result


def paired_p(differences: Array) -> Array:
    """Return the two-sided p of the paired t test along the last axis.

    If all differences are equal, it is the p of the sign-flip test, since the t test would give
    0; NaN for fewer than three.

    Args:
        differences: (..., n).
    """
    n = differences.shape[-1]
    if n < 3:
        return np.full(differences.shape[:-1], np.nan)
    mean, equal = differences.mean(axis=-1), all_equal(differences)
    sd = np.where(equal, 1.0, differences.std(axis=-1, ddof=1))
    p = 2 * special.stdtr(n - 1, -np.abs(mean) * math.sqrt(n) / sd)
    result: Array = np.where(equal, np.where(mean == 0, 1.0, 2.0 ** (1 - n)), p)
    return result


def sign_flip_p(differences: Array) -> float:
    """Return the exact two-sided p of the sign-flip permutation test of the mean.

    All 2^n sign patterns are counted, by meet-in-the-middle; NaN for none and for more than 40
    differences.

    Args:
        differences: (n,).
    """
    n = differences.size
    if not 1 <= n <= MAX_SIGN_FLIP_N:
        return math.nan
    # Sums that differ from the observed one by rounding alone count as equal to it.
    observed = abs(differences.sum()) - 1e-9 * np.abs(differences).sum()
    if observed <= 0:
        return 1.0
    left, right = _signed_sums(differences[: n // 2]), np.sort(_signed_sums(differences[n // 2 :]))
    as_extreme = right.size - np.searchsorted(right, observed - left, side="left")
    return float(2 * as_extreme.sum() / 2.0**n)


def _signed_sums(values: Array) -> Array:
    """Return the sums of the values under all 2^n sign patterns."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums


def smallest_sign_flip_p(n: int, m: int) -> float:
    """Return the smallest p that the sign-flip test of n seeds can reach among m contrasts."""
    return min(1.0, m * 2.0 ** (1 - n))


def t_interval(differences: Array, level: float = ALPHA) -> tuple[float, float] | None:
    """Return the ``1 - level`` t interval of the mean.

    None for fewer than three differences and if all are equal.

    Args:
        differences: (n,).
        level: two-sided probability that the interval misses the mean, in (0, 1).
    """
    n = differences.size
    if n < 3 or all_equal(differences):
        return None
    half = special.stdtrit(n - 1, 1 - level / 2) * differences.std(ddof=1) / math.sqrt(n)
    return float(differences.mean() - half), float(differences.mean() + half)


def holm(p: Array) -> Array:
    """Return p adjusted by Holm's method along the last axis, in the order given.

    Args:
        p: (..., m); NaN, for a contrast that could not be tested, counts as 1.
    """
    p = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(p, axis=-1, kind="stable")
    factors = np.arange(p.shape[-1], 0, -1)
    stepped = np.maximum.accumulate(np.take_along_axis(p, order, axis=-1) * factors, axis=-1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(stepped, 1.0), axis=-1)
    return adjusted


def holm_levels(p: Array) -> Array:
    """Return the level that Holm's method gives each contrast, in the order given.

    An interval at this level excludes 0 exactly if the adjusted p is at most 0.05. The level is
    that of the contrast's own step or, after the first contrast that fails, of that step.

    Args:
        p: (..., m); NaN, for a contrast that could not be tested, counts as 1.
    """
    p = np.where(np.isnan(p), 1.0, p)
    m, order = p.shape[-1], np.argsort(p, axis=-1, kind="stable")
    steps = ALPHA / np.arange(m, 0, -1)
    passed = np.take_along_axis(p, order, axis=-1) <= steps
    last = np.minimum(passed.cumprod(axis=-1).sum(axis=-1), m - 1)  # the first that fails
    levels = np.empty_like(p)
    own = steps[np.minimum(np.arange(m), last[..., None])]
    np.put_along_axis(levels, order, own, axis=-1)
    return levels


def hedges(differences: Array) -> float:
    """Return the standardized mean difference with Hedges' correction.

    NaN for fewer than five differences and if all are equal.

    Args:
        differences: (n,).
    """
    n = differences.size
    if n < 5 or all_equal(differences):
        return math.nan
    half = (n - 1) / 2
    correction = math.exp(math.lgamma(half) - math.lgamma(half - 0.5)) / math.sqrt(half)
    return float(correction * differences.mean() / differences.std(ddof=1))


def seeds_won(gains: Array) -> float:
    """Return the number of seeds with a gain; a tie counts as half."""
    return float((gains > 0).sum() + 0.5 * (gains == 0).sum())


def zero_events_bound(n: int) -> float:
    """Return the one-sided 95 % upper bound of an event's probability after none in n trials."""
    return 1.0 - float(ALPHA ** (1 / n))

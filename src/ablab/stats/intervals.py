"""Confidence intervals beside the t interval: for new test images, BCa bootstrap, seeds won.

Source: Satterthwaite 1946; Efron 1987 (BCa); Clopper and Pearson 1934.
"""

import math
from functools import lru_cache

import numpy as np
from scipy import special

from ablab.stats.paired import ALPHA, Array, all_equal

Components = tuple[tuple[float, float], ...]
"""For each test set, the variance that it adds to a mean difference and its degrees of freedom."""

RESAMPLES = 9_999
MIN_SEEDS_FOR_BCA = 20
MIN_SEEDS_FOR_WON = 10


def images_interval(
    differences: Array, components: Components, level: float = ALPHA
) -> tuple[float, float] | None:
    """Return the ``1 - level`` interval of the mean that also covers the sampling of test images.

    Its variance is s²/n plus that of each test set; the degrees of freedom are Satterthwaite's.
    None for fewer than three differences, if all are equal, and without components.

    Args:
        differences: (n,).
        components: variance and degrees of freedom that each test set adds.
        level: two-sided probability that the interval misses the mean, in (0, 1).
    """
    n = differences.size
    if n < 3 or all_equal(differences) or not components:
        return None
    parts = [(float(differences.var(ddof=1)) / n, n - 1.0), *components]
    total = sum(variance for variance, _ in parts)
    freedom = total**2 / sum(variance**2 / df for variance, df in parts)
    half = float(special.stdtrit(freedom, 1 - level / 2)) * math.sqrt(total)
    return float(differences.mean()) - half, float(differences.mean()) + half


def bca_interval(differences: Array, level: float = ALPHA) -> tuple[float, float] | None:
    """Return the ``1 - level`` BCa bootstrap interval of the mean.

    None for fewer than twenty differences and if all are equal. The resamples are the same in
    every call.

    Args:
        differences: (n,).
        level: two-sided probability that the interval misses the mean, in (0, 1).
    """
    n = differences.size
    if n < MIN_SEEDS_FOR_BCA or all_equal(differences):
        return None
    mean = float(differences.mean())
    means = np.sort(_resamples(n) @ differences)
    tolerance = 1e-9 * float(np.ptp(differences))  # equal means differ by rounding
    below, up_to = np.searchsorted(means, [mean - tolerance, mean + tolerance])
    bias = special.ndtri((below + up_to) / (2 * means.size))
    deviations = differences - mean  # the jackknife means are linear in these
    acceleration = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    normal = bias + special.ndtri([level / 2, 1 - level / 2])
    shares = special.ndtr(bias + normal / (1 - acceleration * normal))
    low, high = np.quantile(means, shares)
    return float(low), float(high)


@lru_cache(maxsize=4)
def _resamples(n: int) -> Array:
    """Return the weight of each difference in each resample, (RESAMPLES, n)."""
    generator = np.random.default_rng(20_260_101)
    return generator.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n


def won_interval(won: float, n: int) -> tuple[float, float] | None:
    """Return the exact 95 % interval of the probability of winning a seed.

    Half a win, from a tie, is rounded outwards at both ends of the interval.

    Args:
        won: seeds won, a tie counting as half; in [0, n].
        n: number of seeds.

    Returns:
        Bounds in [0, 1]; None below ten seeds.
    """
    if n < MIN_SEEDS_FOR_WON:
        return None
    least, most = math.floor(won), math.ceil(won)
    low = float(special.betaincinv(least, n - least + 1, ALPHA / 2)) if least else 0.0
    high = float(special.betaincinv(most + 1, n - most, 1 - ALPHA / 2)) if most < n else 1.0
    return low, high

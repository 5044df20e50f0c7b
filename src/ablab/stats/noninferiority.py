"""Non-inferiority tests: whether a mean gain is above a margin on the bad side.

Source: CONSORT's extension to non-inferiority trials, Piaggio et al. 2012.
"""

import math

import numpy as np
from scipy import special

from ablab.stats.paired import Array, all_equal


def noninferior_p(gains: Array, margin: float) -> Array:
    """Return p of the test that the mean gain is above ``-margin``, on a two-sided scale.

    It is twice the one-sided p: at most 0.05 exactly if the 95 % t interval lies above
    ``-margin``, as is usual for non-inferiority. If all gains are equal, it is the p of the
    sign-flip test; NaN for fewer than three.

    Args:
        gains: (..., n) differences, positive if better.
        margin: >= 0.
    """
    n = gains.shape[-1]
    if n < 3:
        return np.full(gains.shape[:-1], math.nan)
    excess, equal = gains.mean(axis=-1) + margin, all_equal(gains)
    error = np.where(equal, 1.0, gains.std(axis=-1, ddof=1)) / math.sqrt(n)
    p = special.stdtr(n - 1, -excess / error)
    result: Array = np.minimum(2 * np.where(equal, np.where(excess > 0, 2.0**-n, 1.0), p), 1.0)
    return result

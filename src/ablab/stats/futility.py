"""Futility: the probability, predicted from the seeds so far, that the last look decides.

The predictive distribution of the mean at the last look is Student's t around the mean so far: the
true mean is unknown, with a flat prior, and the standard deviation stays what it is. Unlike the
conditional power under the current trend, it does not take the trend of a few seeds for the truth.
A bound on it is not binding: no error rate depends on whether it is kept.

Source: Spiegelhalter, Freedman and Blackburn 1986; Jennison and Turnbull 2000, chapter 10.
"""

import math

import numpy as np
from scipy import special

from ablab.stats.paired import Array
from ablab.stats.sequential import Look


def chance_of_difference(differences: Array, last: Look, level: float) -> Array:
    """Return the predicted probability that the last look detects a difference.

    Args:
        differences: (..., n), n >= 2, less than the last look has.
        last: the last look.
        level: two-sided level of the design, such as that of a Holm step.
    """
    return _chance_beyond(differences, last, _half_width(differences, last, level))


def chance_of_equivalence(
    differences: Array, last: Look, margin: float, level: float, outside_level: float
) -> Array:
    """Return the predicted probability that the last look shows equivalence or its opposite.

    Args:
        differences: (..., n), n >= 2, less than the last look has.
        last: the last look.
        margin: half the width of the equivalence region, > 0.
        level: level of each of the two one-sided tests.
        outside_level: two-sided level of the test that the difference is beyond the margin.
    """
    edge = margin - _half_width(differences, last, 2 * level)
    inside = np.where(edge > 0, 1 - _chance_beyond(differences, last, np.maximum(edge, 0)), 0.0)
    outside = margin + _half_width(differences, last, outside_level)
    result: Array = inside + _chance_beyond(differences, last, outside)
    return result


def _half_width(differences: Array, last: Look, level: float) -> Array:
    """Return half the width of the last look's t interval, if the spread stays what it is."""
    t = special.stdtrit(last.size - 1, 1 - last.nominal(level) / 2)
    result: Array = t * differences.std(axis=-1, ddof=1) / math.sqrt(last.size)
    return result


def _chance_beyond(differences: Array, last: Look, bound: Array) -> Array:
    """Return the predicted probability that the mean at the last look is beyond ±bound."""
    n, mean = differences.shape[-1], np.abs(differences.mean(axis=-1))
    error = differences.std(axis=-1, ddof=1) * math.sqrt(1 / n - 1 / last.size)
    is_known = error <= 1e-12 * mean  # all differences are equal
    error = np.where(is_known, 1.0, error)
    chance = special.stdtr(n - 1, (mean - bound) / error)
    chance += special.stdtr(n - 1, (-mean - bound) / error)
    result: Array = np.where(is_known, mean > bound, chance)
    return result

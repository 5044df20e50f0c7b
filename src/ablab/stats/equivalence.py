"""Whether a difference lies within a margin: two one-sided tests.

Source: Schuirmann 1987 for the two tests, Holm 1979 over the variants.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ablab.stats.paired import ALPHA, Array, all_equal, holm, holm_levels, t_interval
from ablab.stats.power import detectable_margin


@dataclass(frozen=True)
class Equivalence:
    """A contrast held against the margin.

    Holm's p over the family decides, and so do the intervals at its steps. `interval90` and `p`
    stand for one contrast alone and describe.

    Attributes:
        margin: half the width of what counts as equal, in the metric's unit.
        result: ``equivalent``, ``different`` or ``undecided``.
        interval90: the 90 % t interval of the mean difference, or None.
        p: of the two one-sided tests that the difference is within the margin, the larger.
        p_holm: the same, adjusted over the family.
        p_different: two-sided, that the difference is outside of the margin.
        p_different_holm: the same, adjusted over the family.
        step_interval: the interval at the contrast's Holm step, twice that level: it is within
            the margin exactly where ``p_holm`` is at most 0.05.
        outside_interval: the interval at the Holm step of the difference: it is wholly outside
            exactly where ``p_different_holm`` is at most 0.05.
        level: what Holm's method gives the two one-sided tests.
        outside_level: what it gives the test of the difference.
        showable: the margin that this n could have shown, 4 times in 5; NaN if not known.
    """

    margin: float
    result: str
    interval90: tuple[float, float] | None
    p: float
    p_holm: float
    p_different: float
    p_different_holm: float
    step_interval: tuple[float, float] | None
    outside_interval: tuple[float, float] | None
    level: float
    outside_level: float
    detectable_margin: float


def inside_p(differences: Array, margin: float) -> Array:
    """Return the larger p of the two one-sided tests, small where the mean is within ±margin.

    Where all differences are equal it is the sign-flip test's; NaN for fewer than three.

    Args:
        differences: (..., n).
        margin: > 0.
    """
    return _tail(differences, margin, 1)


def outside_p(differences: Array, margin: float) -> Array:
    """Return the two-sided p that is small where the mean is beyond ±margin.

    Where all differences are equal it is the sign-flip test's; NaN for fewer than three.

    Args:
        differences: (..., n).
        margin: > 0.
    """
    result: Array = np.minimum(2 * _tail(differences, margin, -1), 1.0)
    return result


def _tail(differences: Array, margin: float, side: int) -> Array:
    """Return the one-sided p, small where the mean is far within (1) or beyond (-1) ±margin."""
    n = differences.shape[-1]
    if n < 3:
        return np.full(differences.shape[:-1], math.nan)
    excess, equal = side * (np.abs(differences.mean(axis=-1)) - margin), all_equal(differences)
    error = np.where(equal, 1.0, differences.std(axis=-1, ddof=1)) / math.sqrt(n)
    p = special.stdtr(n - 1, excess / error)
    result: Array = np.where(equal, np.where(excess < 0, 2.0**-n, 1.0), p)
    return result


def equivalences(family: Sequence[Array], margin: float) -> list[Equivalence]:
    """Return what each of a family's differences say of the margin, Holm over the family.

    Args:
        family: (n,) each.
        margin: > 0.
    """
    inside = np.array([float(inside_p(d, margin)) for d in family])
    outside = np.array([float(outside_p(d, margin)) for d in family])
    inside_holm, outside_holm = holm(inside), holm(outside)
    steps, outside_steps = holm_levels(inside), holm_levels(outside)
    return [
        Equivalence(
            margin,
            _result(float(inside_holm[i]), float(outside_holm[i])),
            t_interval(d, 2 * ALPHA),
            float(inside[i]),
            float(inside_holm[i]),
            float(outside[i]),
            float(outside_holm[i]),
            t_interval(d, 2 * float(steps[i])),
            t_interval(d, float(outside_steps[i])),
            float(steps[i]),
            float(outside_steps[i]),
            detectable_margin(d, len(family)),
        )
        for i, d in enumerate(family)
    ]


def _result(inside: float, outside: float) -> str:
    if inside <= ALPHA:
        return "equivalent"
    return "different" if outside <= ALPHA else "undecided"

"""Equivalence tests: whether a difference lies within a margin.

Source: Schuirmann 1987 for the two one-sided tests, Holm 1979 over the contrasts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ablab.stats.paired import ALPHA, Array, all_equal, holm, holm_levels, t_interval
from ablab.stats.power import detectable_margin
from ablab.stats.sequential import Look


@dataclass(frozen=True)
class Equivalence:
    """The equivalence test of one contrast.

    The Holm-adjusted p decides; so do, equivalently, the intervals at the Holm steps. `interval90`
    and `p` are those of the contrast alone and are descriptive.

    Attributes:
        margin: half the width of the equivalence region, in the metric's unit.
        result: ``equivalent``, ``different`` or ``undecided``.
        interval90: the 90 % t interval of the mean difference, or None.
        p: the larger p of the two one-sided tests; small if the difference is within the margin.
        p_holm: ``p`` adjusted over the family.
        p_different: two-sided p; small if the difference is outside the margin.
        p_different_holm: ``p_different`` adjusted over the family.
        step_interval: the t interval at twice ``level``; it lies within the margin exactly if
            ``p_holm`` is at most 0.05.
        outside_interval: the t interval at ``outside_level``; it lies wholly outside the margin
            exactly if ``p_different_holm`` is at most 0.05.
        level: the level that Holm's method gives the two one-sided tests.
        outside_level: the level that Holm's method gives the test of the difference.
        detectable_margin: the margin that would be shown with 80 % power at this n; NaN if
            unknown.
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
    """Return the larger p of the two one-sided tests; small if the mean is within ±margin.

    If all differences are equal, it is the p of the sign-flip test; NaN for fewer than three.

    Args:
        differences: (..., n).
        margin: > 0.
    """
    return _tail(differences, margin, 1)


def outside_p(differences: Array, margin: float) -> Array:
    """Return the two-sided p that is small if the mean is beyond ±margin.

    If all differences are equal, it is the p of the sign-flip test; NaN for fewer than three.

    Args:
        differences: (..., n).
        margin: > 0.
    """
    result: Array = np.minimum(2 * _tail(differences, margin, -1), 1.0)
    return result


def _tail(differences: Array, margin: float, sign: int) -> Array:
    """Return the one-sided p; small if the mean is far within (1) or beyond (-1) ±margin."""
    n = differences.shape[-1]
    if n < 3:
        return np.full(differences.shape[:-1], math.nan)
    excess, equal = sign * (np.abs(differences.mean(axis=-1)) - margin), all_equal(differences)
    error = np.where(equal, 1.0, differences.std(axis=-1, ddof=1)) / math.sqrt(n)
    p = special.stdtr(n - 1, excess / error)
    result: Array = np.where(equal, np.where(excess < 0, 2.0**-n, 1.0), p)
    return result


def equivalences(
    family: Sequence[Array], margin: float, looks: Sequence[Look] = ()
) -> list[Equivalence]:
    """Test each contrast of a family for equivalence, corrected by Holm over the family.

    Args:
        family: the differences of each contrast, (n,).
        margin: > 0.
        looks: the look that tests each contrast, whose p and intervals are then repeated ones;
            empty if there is one look only.
    """
    looks = looks or [Look()] * len(family)
    pairs = list(zip(family, looks, strict=True))
    inside = np.array([_one_sided(inside_p(d, margin), look) for d, look in pairs])
    outside = np.array([float(look.repeated(outside_p(d, margin))) for d, look in pairs])
    inside_holm, outside_holm = holm(inside), holm(outside)
    steps, outside_steps = holm_levels(inside), holm_levels(outside)
    return [
        Equivalence(
            margin,
            _result(float(inside_holm[i]), float(outside_holm[i])),
            t_interval(d, look.nominal(2 * ALPHA)),
            float(inside[i]),
            float(inside_holm[i]),
            float(outside[i]),
            float(outside_holm[i]),
            t_interval(d, look.nominal(2 * float(steps[i]))),
            t_interval(d, look.nominal(float(outside_steps[i]))),
            float(steps[i]),
            float(outside_steps[i]),
            detectable_margin(d, len(family), look),
        )
        for i, (d, look) in enumerate(pairs)
    ]


def _one_sided(p: Array, look: Look) -> float:
    """Return the repeated p of a one-sided test, whose bound is two-sided at twice the level."""
    return max(float(p), float(look.repeated(2 * p)) / 2)


def _result(inside: float, outside: float) -> str:
    if inside <= ALPHA:
        return "equivalent"
    return "different" if outside <= ALPHA else "undecided"

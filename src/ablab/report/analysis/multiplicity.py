"""Tests of a family of contrasts, corrected together."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ablab.report.analysis.contrast import Contrast
from ablab.stats import paired
from ablab.stats.equivalence import equivalences
from ablab.stats.paired import Array

MAX_SIGN_FLIP_SUMS = 2**23  # about a second of computing


def corrected(contrasts: Sequence[Contrast], margin: float | None = None) -> tuple[Contrast, ...]:
    """Test contrasts, corrected by Holm over all of them.

    Args:
        contrasts: the family.
        margin: half the width of the equivalence region; if given, equivalence is tested too.
    """
    if not contrasts:
        return ()
    p = _paired_p(contrasts)
    flips = _sign_flip_p(contrasts)
    adjusted, levels = paired.holm(p), paired.holm_levels(p)
    tested = [
        replace(
            contrast,
            p=float(p[i]),
            p_holm=float(adjusted[i]),
            p_flip=float(flips[i]),
            level=float(levels[i]),
            m=p.size,
        )
        for i, contrast in enumerate(contrasts)
    ]
    if margin is None:
        return tuple(tested)
    results = equivalences([c.differences for c in contrasts], margin, [c.look for c in contrasts])
    return tuple(
        replace(c, equivalence=replace(e, result="undecided") if any(c.uncounted) else e)
        for c, e in zip(tested, results, strict=True)
    )


def _paired_p(contrasts: Sequence[Contrast]) -> Array:
    """Return p of the paired t test, vectorized over contrasts of one n: there may be thousands."""
    sizes = np.array([c.n for c in contrasts])
    p = np.full(sizes.size, math.nan)
    for n in np.unique(sizes):
        indices = np.flatnonzero(sizes == n)
        p[indices] = paired.paired_p(np.stack([contrasts[int(i)].differences for i in indices]))
    return _repeated(contrasts, p)


def _repeated(contrasts: Sequence[Contrast], p: Array) -> Array:
    """Return the p-values, each adjusted for the looks if there are several."""
    looks = [c.look for c in contrasts]
    for look in {look for look in looks if not look.is_only}:
        own = np.array([each == look for each in looks])
        p = np.where(own, look.repeated(p), p)
    return p


def _sign_flip_p(contrasts: Sequence[Contrast]) -> Array:
    """Return the Holm-adjusted p of the sign-flip test; NaN if there are too many sums."""
    sums = sum(2.0 ** (c.n / 2) for c in contrasts)
    if sums > MAX_SIGN_FLIP_SUMS:
        return np.full(len(contrasts), math.nan)
    p = np.array([paired.sign_flip_p(c.differences) for c in contrasts])
    return paired.holm(_repeated(contrasts, p))

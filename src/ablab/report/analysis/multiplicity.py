"""Contrasts that are corrected together."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ablab.report.analysis.contrast import Contrast
from ablab.stats import paired
from ablab.stats.equivalence import equivalences
from ablab.stats.paired import Array

MOST_SUMS = 2**23  # about a second


def corrected(contrasts: Sequence[Contrast], margin: float | None = None) -> tuple[Contrast, ...]:
    """Return the contrasts with their tests, corrected by Holm over all of them.

    Args:
        contrasts: the family.
        margin: where the question is whether they lie within it.
    """
    if not contrasts:
        return ()
    p = _paired_p(contrasts)
    flips = _flips(contrasts)
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
    found = equivalences([c.differences for c in contrasts], margin)
    return tuple(
        replace(c, equivalence=replace(e, result="undecided") if any(c.uncounted) else e)
        for c, e in zip(tested, found, strict=True)
    )


def _paired_p(contrasts: Sequence[Contrast]) -> Array:
    """Return p of the paired t test, those of one n at a time: there may be thousands."""
    sizes = np.array([c.n for c in contrasts])
    p = np.full(sizes.size, math.nan)
    for n in np.unique(sizes):
        places = np.flatnonzero(sizes == n)
        p[places] = paired.paired_p(np.stack([contrasts[int(i)].differences for i in places]))
    return p


def _flips(contrasts: Sequence[Contrast]) -> Array:
    sums = sum(2.0 ** (c.n / 2) for c in contrasts)
    if sums > MOST_SUMS:
        return np.full(len(contrasts), math.nan)
    return paired.holm(np.array([paired.sign_flip_p(c.differences) for c in contrasts]))

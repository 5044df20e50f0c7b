"""One number a seed: a weighted sum of variants, averaged over blocks."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Grid
from ablab.report.analysis.images import Images
from ablab.stats.paired import Array

FLOAT32 = 2.0**-22  # of a figure: what two roundings to float32 can make of one number


def pair(
    grid: Grid, images: Images | None, variant: str, reference: str, direction: int
) -> Contrast:
    """Return a variant minus a reference, a number a seed."""
    weights = {variant: 1.0, reference: -1.0}
    return weighted(grid, images, weights, (variant, reference), direction)


def weighted(
    grid: Grid,
    images: Images | None,
    weights: Mapping[str, float],
    names: tuple[str, str],
    direction: int,
) -> Contrast:
    """Return a weighted sum of variants, a number a seed, averaged over blocks.

    The blocks are those in which all these variants are planned. A seed that lacks any of their
    trials is left out, so that every seed speaks of the same blocks.

    Args:
        grid: the cells.
        images: what reads the test images, or None where the metric does not count them.
        weights: by variant; whole numbers, or 1 over one.
        names: what the contrast is called, and what it is held against.
        direction: 1 where more is better, -1 where less is.
    """
    blocks = grid.blocks_of(list(weights))
    own = np.array([grid.variants.index(variant) for variant in weights])
    cells = np.ix_(blocks, own)
    sums = _weighted_sums(grid.counts[cells], np.array(list(weights.values())))
    whole = ~np.isnan(sums) if blocks.size else np.zeros(sums.size, dtype=np.bool_)
    if grid.unit == 1:
        sums = _with_ties(sums, grid.values[cells])
    sums = sums / (grid.unit * max(blocks.size, 1))
    steady = whole & ~grid.diverged[cells].any(axis=(0, 1))
    planned = grid.planned[cells].any(axis=(0, 1))
    seeds = tuple(grid.seeds[i] for i in np.flatnonzero(whole))
    labels = tuple(grid.blocks[i] for i in blocks)
    lost = (grid.diverged[cells] & np.isnan(grid.values[cells])).sum(axis=(0, 2))
    positive = np.array(list(weights.values())) > 0
    contrast = Contrast(
        *names,
        differences=sums[whole],
        converged=sums[steady],
        left_out=int(planned.sum() - whole.sum()),
        direction=direction,
        seeds=seeds,
        blocks=labels,
        uncounted=(int(lost[positive].sum()), int(lost[~positive].sum())),
    )
    if images is None or not seeds:
        return contrast
    return replace(contrast, components=partial(images.components, weights, labels, seeds))


def _with_ties(sums: Array, values: Array) -> Array:
    """Return sums in which what a metric in float32 cannot tell apart is equal.

    Two columns of the same figures, one logged in float32 and one in float64, differ by rounding
    alone; t would find that as sure a difference as any. Counts of images need none of this.

    Args:
        sums: (seeds,), NaN where a trial is missing.
        values: (blocks, variants, seeds), what they are sums of.
    """
    near = FLOAT32 * float(np.nanmax(np.abs(values), initial=0.0)) * values.shape[0]
    known = sums[~np.isnan(sums)]
    if known.size and float(np.ptp(known)) <= near:
        sums = np.where(np.isnan(sums), sums, np.median(known))
    return np.where(np.abs(sums) <= near, 0.0, sums)


def _weighted_sums(counts: Array, weights: Array) -> Array:
    """Return the sums over blocks and variants, exact where counts and 1/least weight are whole.

    Args:
        counts: (blocks, variants, seeds).
        weights: (variants,).
    """
    divisor = round(1 / float(np.abs(weights).min()))
    whole = np.round(weights * divisor)
    result: Array = np.einsum("bvs,v->s", counts, whole) / divisor
    return result

"""Contrasts from the grid: one weighted sum of variants per seed, averaged over blocks."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Grid
from ablab.report.analysis.images import Images
from ablab.stats.paired import Array
from ablab.stats.sequential import Look

FLOAT32 = 2.0**-22  # relative error of a difference of two values rounded to float32


def pair(
    grid: Grid, images: Images | None, variant: str, reference: str, direction: int
) -> Contrast:
    """Return the contrast of a variant and a reference."""
    weights = {variant: 1.0, reference: -1.0}
    return weighted(grid, images, weights, (variant, reference), direction)


def weighted(
    grid: Grid,
    images: Images | None,
    weights: Mapping[str, float],
    names: tuple[str, str],
    direction: int,
) -> Contrast:
    """Return the contrast of a weighted sum of variants, averaged over blocks.

    The blocks are those in which all these variants are planned. A seed that lacks any of their
    trials is left out, so that every seed averages the same blocks. Of several looks, the seeds
    are those of the look that tests the contrast.

    Args:
        grid: the trials.
        images: reads the test images; None if the metric does not count them.
        weights: by variant; integers, or reciprocals of integers.
        names: the names of the contrast and of its reference.
        direction: 1 if higher is better, -1 if lower is better.
    """
    blocks = grid.blocks_of(list(weights))
    columns = np.array([grid.variants.index(variant) for variant in weights])
    cells = np.ix_(blocks, columns)
    sums = _weighted_sums(grid.counts[cells], np.array(list(weights.values())))
    complete = ~np.isnan(sums) if blocks.size else np.zeros(sums.size, dtype=np.bool_)
    look, is_of_look = _look(grid, names, grid.planned[cells])
    complete &= is_of_look
    if grid.unit == 1:
        sums = _with_ties(sums, grid.values[cells])
    sums = sums / (grid.unit * max(blocks.size, 1))
    converged = complete & ~grid.diverged[cells].any(axis=(0, 1))
    planned = grid.planned[cells].any(axis=(0, 1)) & is_of_look
    seeds = tuple(grid.seeds[i] for i in np.flatnonzero(complete))
    labels = tuple(grid.blocks[i] for i in blocks)
    lost = grid.diverged[cells] & np.isnan(grid.values[cells]) & is_of_look
    uncounted = lost.sum(axis=(0, 2))
    positive = np.array(list(weights.values())) > 0
    contrast = Contrast(
        *names,
        differences=sums[complete],
        converged=sums[converged],
        left_out=int(planned.sum() - complete.sum()),
        direction=direction,
        seeds=seeds,
        blocks=labels,
        uncounted=(int(uncounted[positive].sum()), int(uncounted[~positive].sum())),
        compared=tuple(weights),
        look=look,
    )
    if images is None or not seeds:
        return contrast
    return replace(contrast, components=partial(images.components, weights, labels, seeds))


def _look(
    grid: Grid, names: tuple[str, str], planned: NDArray[np.bool_]
) -> tuple[Look, NDArray[np.bool_]]:
    """Return the look that tests a contrast, and which seeds it has, (seeds,).

    Args:
        grid: the trials.
        names: of the contrast and of its reference.
        planned: (blocks, variants, seeds), whether each of its trials is planned.
    """
    if grid.interim is None:
        return Look(), np.ones(len(grid.seeds), dtype=np.bool_)
    look = grid.interim.look_of(names, int(planned.all(axis=(0, 1)).sum()))
    return look, np.array(grid.seeds) < look.size


def _with_ties(sums: Array, values: Array) -> Array:
    """Return the sums with differences below float32 precision removed.

    The same values logged once in float32 and once in float64 differ by rounding alone, which the
    t test would call significant. Counts of images do not need this.

    Args:
        sums: (seeds,), NaN where a trial is missing.
        values: (blocks, variants, seeds), the values summed.
    """
    tolerance = FLOAT32 * float(np.nanmax(np.abs(values), initial=0.0)) * values.shape[0]
    known = sums[~np.isnan(sums)]
    if known.size and float(np.ptp(known)) <= tolerance:
        sums = np.where(np.isnan(sums), sums, np.median(known))
    return np.where(np.abs(sums) <= tolerance, 0.0, sums)


def _weighted_sums(counts: Array, weights: Array) -> Array:
    """Return the sums over blocks and variants; exact if counts and 1/smallest weight are integers.

    Args:
        counts: (blocks, variants, seeds).
        weights: (variants,).
    """
    divisor = round(1 / float(np.abs(weights).min()))
    integers = np.round(weights * divisor)
    result: Array = np.einsum("bvs,v->s", counts, integers) / divisor
    return result

"""The metric of a sweep's trials as an array of blocks × variants × seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablab.report.analysis.interim import Interim
from ablab.report.analysis.trials import Row
from ablab.stats.paired import Array

LARGEST_UNIT = 2**40  # so that sums of counts are exact in float64


@dataclass(frozen=True, eq=False)
class Group:
    """The trials of one variant.

    Attributes:
        values: the metric of the trials that have one, by seed; over several blocks, the means
            over blocks of the seeds that have a value in each.
    """

    variant: str
    rows: tuple[Row, ...]
    values: Array

    @property
    def n(self) -> int:
        """Number of values: of trials, or of seeds over several blocks."""
        return self.values.size

    @property
    def mean(self) -> float:
        """Mean of the values; NaN without any."""
        return float(self.values.mean()) if self.n else math.nan

    @property
    def sd(self) -> float:
        """Standard deviation of the values; NaN for fewer than two."""
        return float(self.values.std(ddof=1)) if self.n > 1 else math.nan

    def count(self, outcome: str) -> int:
        """Return the number of trials with this outcome."""
        return sum(row.outcome == outcome for row in self.rows)


@dataclass(frozen=True, eq=False)
class Grid:
    """The trials of one block or several as arrays.

    Attributes:
        blocks, variants, seeds: in the order of the axes.
        values: (blocks, variants, seeds), NaN where no trial has a value.
        diverged: same shape, whether the trial diverged.
        planned: same shape, whether the plan has this cell.
        rows: by block, variant and seed.
        interim: the look that these trials belong to; None if the number of seeds is fixed.
    """

    blocks: tuple[str, ...]
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    values: Array
    diverged: NDArray[np.bool_]
    planned: NDArray[np.bool_]
    rows: Mapping[tuple[str, str, int], Row]
    interim: Interim | None = None

    @cached_property
    def unit(self) -> int:
        """The common denominator of `counts`: a multiple of every number of images, or 1."""
        totals = {row.total or 0 for row in self.rows.values() if row.counts}
        unit = math.lcm(*totals) if totals and 0 not in totals else 1
        return unit if unit <= LARGEST_UNIT else 1

    @cached_property
    def counts(self) -> Array:
        """`values` times `unit`: integers if images are counted, so that ties are exact."""
        if self.unit == 1:
            return self.values
        counts = np.full_like(self.values, np.nan)
        for (block, variant, seed), row in self.rows.items():
            if row.counts and row.total:
                index = self.index(block, variant, seed)
                counts[index] = round(row.value * row.total) * (self.unit // row.total)
        return counts

    def index(self, block: str, variant: str, seed: int) -> tuple[int, int, int]:
        """Return the index of a cell in the arrays."""
        blocks, variants, seeds = self._indices
        return blocks[block], variants[variant], seeds[seed]

    @cached_property
    def _indices(self) -> tuple[dict[str, int], dict[str, int], dict[int, int]]:
        blocks, variants, seeds = self.blocks, self.variants, self.seeds
        return (
            {name: i for i, name in enumerate(blocks)},
            {name: i for i, name in enumerate(variants)},
            {seed: i for i, seed in enumerate(seeds)},
        )

    def blocks_of(self, variants: Sequence[str]) -> NDArray[np.intp]:
        """Return the indices of the blocks in which all these variants are planned."""
        columns = [self._indices[1][variant] for variant in variants]
        is_planned = np.asarray(self.planned[:, columns].any(axis=2))
        return np.flatnonzero(is_planned.all(axis=1))


def grid_of(rows: Sequence[Row], variants: Sequence[str], interim: Interim | None = None) -> Grid:
    """Arrange rows as a grid.

    Args:
        rows: the trials, in any order; blocks keep the order of their first row.
        variants: in the order of the report; variants without a row are left out.
        interim: the look that they belong to, if there are several.
    """
    present = {row.variant for row in rows}
    blocks = tuple(dict.fromkeys(row.block for row in rows))
    seeds = tuple(sorted({row.seed for row in rows}))
    names = tuple(variant for variant in variants if variant in present)
    shape = (len(blocks), len(names), len(seeds))
    known = set(names)
    cells = {(r.block, r.variant, r.seed): r for r in rows if r.variant in known}
    values, empty = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    grid = Grid(blocks, names, seeds, values, empty, empty.copy(), cells, interim)
    for key, row in cells.items():
        index = grid.index(*key)
        grid.values[index] = row.value
        grid.diverged[index] = row.outcome == "diverged"
        grid.planned[index] = True
    return grid


def group_of(grid: Grid, variant: str) -> Group:
    """Return the trials of a variant; its values are means over the blocks that plan it."""
    column = grid.variants.index(variant)
    rows = tuple(
        grid.rows[block, variant, seed]
        for block in grid.blocks
        for seed in grid.seeds
        if (block, variant, seed) in grid.rows
    )
    means = grid.values[grid.blocks_of([variant]), column].mean(axis=0)
    return Group(variant, rows, means[~np.isnan(means)])

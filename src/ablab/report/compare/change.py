"""What changed from one side to the other: pairs by seed within each variant and block."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Group, grid_of
from ablab.report.analysis.images import METRIC, Images
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import pair
from ablab.report.analysis.trials import Row
from ablab.report.compare.inputs import Place, Side, are_one
from ablab.report.formatting import Unit, unit_of
from ablab.stats.paired import Array

_A, _B = "A", "B"
_Spot = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Cell:
    """A variant in a block that both sides have.

    Attributes:
        label: the variant, with its block where there are several.
        shared: the seeds whose trial is one and the same on both sides; not in the contrast.
        a, b: the trials that are not, seed by seed, of the seeds that both sides have.
        contrast: B minus A.
    """

    label: str
    shared: tuple[int, ...]
    a: tuple[Row, ...]
    b: tuple[Row, ...]
    contrast: Contrast

    @property
    def means(self) -> tuple[float, float]:
        """The mean of each side over the pairs of the contrast; NaN where there is none."""
        seeds = set(self.contrast.seeds)
        values = [[r.value for r in rows if r.seed in seeds] for rows in (self.a, self.b)]
        a, b = (float(np.mean(own)) if own else np.nan for own in values)
        return a, b


@dataclass(frozen=True)
class Change:
    """Two sides, paired.

    Attributes:
        a, b: the sides.
    """

    a: Side
    b: Side

    @property
    def metric(self) -> str:
        """What is compared."""
        return self.a.plan.spec.metric

    @property
    def direction(self) -> int:
        """1 where more is better, -1 where less is."""
        return self.a.plan.spec.direction

    @property
    def unit(self) -> Unit:
        """How it is written."""
        return unit_of(self.metric)

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing more will come of either side, so that there may be tests."""
        return not self.a.open and not self.b.open

    @cached_property
    def shared(self) -> frozenset[Place]:
        """The places at which one and the same trial stands on both sides."""
        others = self.b.by_place
        return frozenset(
            place
            for place, row in self.a.by_place.items()
            if place in others and are_one(row, others[place])
        )

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The variants and blocks that both sides have, tested together, in the order of A."""
        theirs = _spots(self.b)
        found = [self._cell(spot) for spot in _spots(self.a) if spot in theirs]
        paired = [i for i, cell in enumerate(found) if cell.contrast.n]
        for i, contrast in zip(paired, corrected([found[i].contrast for i in paired]), strict=True):
            found[i] = replace(found[i], contrast=contrast)
        return tuple(found)

    @property
    def alone(self) -> tuple[list[str], list[str]]:
        """What stands on one side alone, of A and of B: variants, and seeds of the others."""
        sides = ((self.a, self.b), (self.b, self.a))
        a, b = (_alone(own.by_place, other.by_place) for own, other in sides)
        return a, b

    @cached_property
    def comparison(self) -> Comparison:
        """The cells as a comparison, so that its words and pictures serve here too."""
        return Comparison(
            block="",
            blocks=(),
            kind="versus_baseline",
            metric=self.metric,
            direction=self.direction,
            groups={c.label: Group(c.label, c.a + c.b, _values(c.b)) for c in self.cells},
            baseline=None,
            reference=self.a.name,
            family=tuple(cell.contrast for cell in self.cells),
            margin=None,
            grid=grid_of([], []),
            images=None,
            unit=self.unit,
        )

    def _cell(self, spot: _Spot) -> Cell:
        both = [p for p in self.a.by_place if p[:2] == spot and p in self.b.by_place]
        apart = sorted(place for place in both if place not in self.shared)
        a, b = (
            tuple(replace(side.by_place[place], variant=name) for place in apart)
            for side, name in ((self.a, _A), (self.b, _B))
        )
        several = len({block for block, _ in _spots(self.a)}) > 1
        label = _whole(spot) if several else spot[1]
        shared = tuple(sorted(seed for _, _, seed in set(both) & self.shared))
        contrast = _contrast(a + b, self.metric, self.direction)
        named = replace(contrast, variant=label, reference=self.a.name)
        return Cell(label, shared, a, b, named)


def _contrast(rows: Sequence[Row], metric: str, direction: int) -> Contrast:
    """Return B minus A, seed by seed."""
    if not rows:
        return Contrast(_B, _A, np.empty(0), np.empty(0), 0, direction)
    grid = grid_of(rows, [_A, _B])
    return pair(grid, Images(grid.rows) if metric == METRIC else None, _B, _A, direction)


def _values(rows: Sequence[Row]) -> Array:
    return np.array([row.value for row in rows if row.counts], dtype=np.float64)


def _spots(side: Side) -> dict[_Spot, None]:
    return dict.fromkeys((block, variant) for block, variant, _ in side.by_place)


def _whole(spot: _Spot) -> str:
    return " · ".join(filter(None, reversed(spot)))


def _alone(own: Sequence[Place] | dict[Place, Row], other: dict[Place, Row]) -> list[str]:
    """Return what has no counterpart: a variant whole, or the seeds of one that has one."""
    there = {place[:2] for place in other}
    seeds: dict[_Spot, list[int]] = {}
    for place in own:
        if place not in other:
            seeds.setdefault(place[:2], []).append(place[2])
    return [
        f"{_whole(spot)}: seed{'s' * (len(s) > 1)} {', '.join(map(str, s))}"
        if spot in there
        else _whole(spot)
        for spot, s in seeds.items()
    ]

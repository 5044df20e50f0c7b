"""The change from one input to the other, paired by seed within each variant and block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ablab.formatting import Unit, unit_of
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Group, grid_of
from ablab.report.analysis.images import METRIC, Images
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import pair
from ablab.report.analysis.trials import Row
from ablab.report.compare.inputs import CellId, Input, is_same_run
from ablab.stats.paired import Array

_A, _B = "A", "B"
_BlockVariant = tuple[str, str]


@dataclass(frozen=True, eq=False)
class VariantChange:
    """The change of one variant in one block that both inputs have.

    Attributes:
        label: the variant, with its block if there are several.
        shared: seeds for which both inputs have the same run; not in the contrast.
        a, b: the other trials of each input, for the seeds that both have.
        contrast: B minus A.
    """

    label: str
    shared: tuple[int, ...]
    a: tuple[Row, ...]
    b: tuple[Row, ...]
    contrast: Contrast

    @property
    def means(self) -> tuple[float, float]:
        """The means of A and B over the pairs of the contrast; NaN without pairs."""
        seeds = set(self.contrast.seeds)
        values = [[r.value for r in rows if r.seed in seeds] for rows in (self.a, self.b)]
        a, b = (float(np.mean(own)) if own else np.nan for own in values)
        return a, b


@dataclass(frozen=True)
class Change:
    """The change from A to B.

    Attributes:
        a, b: the inputs.
    """

    a: Input
    b: Input

    @property
    def inputs(self) -> str:
        """The names of the inputs: ``A is demo, B is demo@1a2b``."""
        return f"A is {self.a.description}, B is {self.b.description}"

    @property
    def metric(self) -> str:
        """The metric compared."""
        return self.a.plan.spec.metric

    @property
    def direction(self) -> int:
        """1 if higher is better, -1 if lower is better."""
        return self.a.plan.spec.direction

    @property
    def unit(self) -> Unit:
        """How the metric is formatted."""
        return unit_of(self.metric)

    @property
    def is_settled(self) -> bool:
        """Whether all trials have finished or failed for good, so that tests may be shown."""
        return not self.a.num_pending and not self.b.num_pending

    @cached_property
    def shared(self) -> frozenset[CellId]:
        """The cells for which both inputs have the same run."""
        b = self.b.by_cell
        return frozenset(
            cell for cell, row in self.a.by_cell.items() if cell in b and is_same_run(row, b[cell])
        )

    @cached_property
    def variants(self) -> tuple[VariantChange, ...]:
        """The variants and blocks that both inputs have, tested together, in the order of A."""
        in_b = _block_variants(self.b)
        changes = [self._variant(own) for own in _block_variants(self.a) if own in in_b]
        tested = [i for i, change in enumerate(changes) if change.contrast.n]
        contrasts = corrected([changes[i].contrast for i in tested])
        for i, contrast in zip(tested, contrasts, strict=True):
            changes[i] = replace(changes[i], contrast=contrast)
        return tuple(changes)

    @property
    def unmatched(self) -> tuple[list[str], list[str]]:
        """Variants, and seeds of other variants, that only A has, and those that only B has."""
        a, b = self.a.by_cell, self.b.by_cell
        return _unmatched(a, b), _unmatched(b, a)

    @property
    def removed(self) -> list[str]:
        """Variants, each with its block if there are several, that only A has."""
        in_b = _block_variants(self.b)
        return [self._name(own) for own in _block_variants(self.a) if own not in in_b]

    @cached_property
    def comparison(self) -> Comparison:
        """The change as a comparison, which phrases and figures of reports take."""
        groups = {v.label: Group(v.label, v.a + v.b, _values(v.b)) for v in self.variants}
        return Comparison(
            block="",
            blocks=(),
            kind="versus_baseline",
            metric=self.metric,
            direction=self.direction,
            groups=groups,
            baseline=None,
            reference=self.a.name,
            family=tuple(variant.contrast for variant in self.variants),
            margin=None,
            grid=grid_of([], []),
            images=None,
            unit=self.unit,
        )

    def _variant(self, own: _BlockVariant) -> VariantChange:
        both = [cell for cell in self.a.by_cell if cell[:2] == own and cell in self.b.by_cell]
        unshared = sorted(cell for cell in both if cell not in self.shared)
        a, b = (
            tuple(replace(each.by_cell[cell], variant=name) for cell in unshared)
            for each, name in ((self.a, _A), (self.b, _B))
        )
        label = self._name(own)
        shared = tuple(sorted(seed for _, _, seed in set(both) & self.shared))
        contrast = _contrast(a + b, self.metric, self.direction)
        named = replace(contrast, variant=label, reference=self.a.name)
        return VariantChange(label, shared, a, b, named)

    def _name(self, own: _BlockVariant) -> str:
        has_blocks = len({block for block, _ in _block_variants(self.a)}) > 1
        return _label(own) if has_blocks else own[1]


def _contrast(rows: Sequence[Row], metric: str, direction: int) -> Contrast:
    """Return the contrast of B minus A."""
    if not rows:
        return Contrast(_B, _A, np.empty(0), np.empty(0), 0, direction)
    grid = grid_of(rows, [_A, _B])
    return pair(grid, Images(grid.rows) if metric == METRIC else None, _B, _A, direction)


def _values(rows: Sequence[Row]) -> Array:
    return np.array([row.value for row in rows if row.counts], dtype=np.float64)


def _block_variants(own: Input) -> dict[_BlockVariant, None]:
    return dict.fromkeys((block, variant) for block, variant, _ in own.by_cell)


def _label(own: _BlockVariant) -> str:
    return " · ".join(filter(None, reversed(own)))


def _unmatched(own: Mapping[CellId, Row], other: Mapping[CellId, Row]) -> list[str]:
    """Return the variants that only the first input has, or the seeds of a variant in both."""
    in_other = {cell[:2] for cell in other}
    missing: dict[_BlockVariant, list[int]] = {}
    for cell in own:
        if cell not in other:
            missing.setdefault(cell[:2], []).append(cell[2])
    return [
        f"{_label(variant)}: seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
        if variant in in_other
        else _label(variant)
        for variant, seeds in missing.items()
    ]

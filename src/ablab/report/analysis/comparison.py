"""Variants compared within one block or over several, paired by seed identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from ablab.report.analysis.contrast import Contrast, Group
from ablab.report.analysis.grid import Grid, grid_of
from ablab.report.analysis.images import METRIC, Images
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import group_of, pair
from ablab.report.analysis.trials import Row
from ablab.report.formatting import Unit, unit_of
from ablab.tracking.spec import Spec


@dataclass(frozen=True, eq=False)
class Comparison:
    """What one block, or several together, have to say.

    Attributes:
        block: its name; empty for several together.
        blocks: those that are compared.
        groups: by variant, in the plan's order.
        baseline: the variant that the question names as such, or None.
        reference: the variant that the others are held against, or None: for ``best`` the
            leader, otherwise the baseline.
        family: the contrasts that are corrected together; for ``best`` all pairs, otherwise
            those with the reference. For ``factors`` they are described and not tested.
        margin: half the width of what counts as equal, or None.
        grid: the cells.
        images: what reads which test images were classified rightly; None for other metrics.
        unit: how the metric is written.
    """

    block: str
    blocks: tuple[str, ...]
    kind: str
    metric: str
    direction: int
    groups: Mapping[str, Group]
    baseline: str | None
    reference: str | None
    family: tuple[Contrast, ...]
    margin: float | None
    grid: Grid
    images: Images | None
    unit: Unit

    @cached_property
    def against_reference(self) -> dict[str, Contrast]:
        """The contrast of each other variant with the reference, in the order of groups."""
        found = {c.variant: c for c in self.family if c.reference == self.reference}
        return {variant: found[variant] for variant in self.groups if variant in found}


def compare(rows: Sequence[Row], spec: Spec) -> Comparison:
    """Compare the variants; over several blocks, their averages within each seed.

    Args:
        rows: those of the blocks, in any order.
        spec: the sweep's question as a plan holds it.
    """
    grid = grid_of(rows, list(spec.variants))
    images = Images(grid.rows) if spec.metric == METRIC else None
    groups = {variant: group_of(grid, variant) for variant in grid.variants}
    kind, direction = spec.kind, spec.direction
    baseline = spec.baseline if spec.baseline in groups else None
    margin = spec.margin if kind == "equivalence" else None
    reference, pairs = baseline, [(baseline, v) for v in groups if baseline and v != baseline]
    if kind == "best":
        names = _ranked(grid, groups, direction)
        reference = names[0] if names and groups[names[0]].n else None
        pairs = list(combinations(names, 2))
    family = tuple(pair(grid, images, b, a, direction) for a, b in pairs if a)
    return Comparison(
        block=grid.blocks[0] if len(grid.blocks) == 1 else "",
        blocks=grid.blocks,
        kind=kind,
        metric=spec.metric,
        direction=direction,
        groups=groups,
        baseline=baseline,
        reference=reference,
        family=family if kind == "factors" else corrected(family, margin),
        margin=margin,
        grid=grid,
        images=images,
        unit=unit_of(spec.metric, spec.unit),
    )


def _ranked(grid: Grid, groups: Mapping[str, Group], direction: int) -> list[str]:
    """Return the variants, the best first; those that lack a block, or all trials, come last."""

    def place(variant: str) -> tuple[bool, int, float]:
        group = groups[variant]
        if not group.n:
            return True, 0, 0.0
        return False, -grid.blocks_of([variant]).size, -group.mean * direction

    return sorted(groups, key=place)

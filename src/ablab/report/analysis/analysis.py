"""The analysis of a sweep: its comparisons, and the statistics derived from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ablab.formatting import unit_of
from ablab.report.analysis.comparison import Comparison, Factors
from ablab.report.analysis.conditions import why_untimed
from ablab.report.analysis.grid import grid_of, group_of
from ablab.report.analysis.images import METRIC, Images
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import pair
from ablab.report.analysis.ranks import Ranks, ranks
from ablab.report.analysis.setup import Setup, setup
from ablab.report.analysis.speed import Speed, speed
from ablab.report.analysis.trials import Row, in_order
from ablab.report.kinds import kind_of
from ablab.tracking.kinds import needs
from ablab.tracking.plan import Plan
from ablab.tracking.spec import Spec


@dataclass(frozen=True, eq=False)
class Analysis:
    """The statistics of a sweep; every form of the report reads them.

    Attributes:
        plan: the plan in force.
        rows: its trials, by block, variant and seed.
        blocks: one comparison per block, in the plan's order; with several blocks, their p-values
            are corrected over all variant × block cells.
        across: the comparison averaged over blocks within each seed; None for a single block.
    """

    plan: Plan
    rows: tuple[Row, ...]
    blocks: tuple[Comparison, ...]
    across: Comparison | None

    @property
    def main(self) -> Comparison:
        """The comparison that the verdict rests on."""
        return self.across or self.blocks[0]

    @property
    def factors(self) -> Factors | None:
        """The effects of two factors, for the kind ``factors`` alone."""
        return self.main.factors

    @cached_property
    def has_verdict(self) -> bool:
        """Whether the trials allow a verdict, so that tests may be shown.

        True if every trial has finished or failed for good, the kind of question has what it
        needs, and a tested contrast has three pairs or more.
        """
        main = self.main
        if not main.tested or not all(row.is_settled for row in self.rows):
            return False
        return not kind_of(main.kind).why_none(main) and max(c.n for c in main.tested) > 2

    @cached_property
    def speed(self) -> tuple[Speed, ...]:
        """The speed of learning, one per block; empty where the sweep states no target."""
        target = self.plan.spec.target
        if not target:
            return ()
        timed, is_late = not why_untimed(self.rows), self.plan.parts[0].spec.target != target
        return tuple(speed(block, target, timed=timed, is_late=is_late) for block in self.blocks)

    @cached_property
    def ranks(self) -> Ranks | None:
        """The ranks of the variants over several blocks; None for a single block."""
        return ranks(self.across, self.plan) if self.across else None

    @cached_property
    def setup(self) -> Setup:
        """The settings that all trials share, and those that each variant and block sets."""
        return setup(self.plan, self.rows)


def analyze(plan: Plan, rows: Sequence[Row]) -> Analysis:
    """Compute the statistics of a sweep from its trials so far.

    Args:
        plan: the plan in force.
        rows: its trials, in any order.

    Raises:
        InputError: the plan's kind of question is unknown.
    """
    rows, spec = in_order(rows, plan.spec), plan.spec
    kind = kind_of(spec.kind)
    by_block: dict[str, list[Row]] = {}
    for row in rows:
        by_block.setdefault(row.block, []).append(row)
    blocks = [compare(own, spec) for own in by_block.values()] or [compare(rows, spec)]
    if len(blocks) == 1:
        (block,) = blocks
        return Analysis(plan, rows, (replace(block, factors=kind.factors(block, spec)),), None)
    across = compare(rows, spec)
    if kind.tests_variants:
        blocks = _corrected_cells(blocks, across.margin)
    across = replace(across, factors=kind.factors(across, spec))
    return Analysis(plan, rows, tuple(blocks), across)


def _corrected_cells(blocks: Sequence[Comparison], margin: float | None) -> list[Comparison]:
    """Correct over all variant × block cells: Holm per block would raise too many false alarms."""
    cells = iter(corrected([c for block in blocks for c in block.family], margin))
    return [replace(b, family=tuple(next(cells) for _ in b.family)) for b in blocks]


def compare(rows: Sequence[Row], spec: Spec) -> Comparison:
    """Compare the variants; over several blocks, their averages within each seed.

    Args:
        rows: the trials of these blocks, in any order.
        spec: the sweep's question as the plan stores it.
    """
    grid = grid_of(rows, list(spec.variants))
    images = Images(grid.rows) if spec.metric == METRIC else None
    groups = {variant: group_of(grid, variant) for variant in grid.variants}
    kind, direction = kind_of(spec.kind), spec.direction
    baseline = spec.baseline if spec.baseline in groups else None
    margin = spec.margin if needs(spec.kind).margin else None
    reference, pairs = kind.pairs(grid, groups, baseline, direction)
    family = tuple(pair(grid, images, b, a, direction) for a, b in pairs)
    return Comparison(
        block=grid.blocks[0] if len(grid.blocks) == 1 else "",
        blocks=grid.blocks,
        kind=spec.kind,
        metric=spec.metric,
        direction=direction,
        groups=groups,
        baseline=baseline,
        reference=reference,
        family=corrected(family, margin) if kind.tests_variants else family,
        margin=margin,
        grid=grid,
        images=images,
        unit=unit_of(spec.metric, spec.unit),
        tests_variants=kind.tests_variants,
    )

"""The analysis of a sweep: its comparisons, and the statistics derived from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ablab.report.analysis.comparing import compare
from ablab.report.analysis.comparison import Comparison, Factors
from ablab.report.analysis.conditions import why_untimed
from ablab.report.analysis.looks import Progress, follow
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.ranks import Ranks, ranks
from ablab.report.analysis.setup import Setup, setup
from ablab.report.analysis.speed import Speed, speed
from ablab.report.analysis.trials import Row, in_order
from ablab.report.kinds import kind_of
from ablab.tracking.plan import Plan


@dataclass(frozen=True, eq=False)
class Analysis:
    """The statistics of a sweep; every form of the report reads them.

    Attributes:
        plan: the plan in force.
        rows: its trials, by block, variant and seed.
        blocks: one comparison per block, in the plan's order; with several blocks, their p-values
            are corrected over all variant × block cells.
        across: the comparison averaged over blocks within each seed; None for a single block.
        progress: the looks so far; None if the number of seeds is fixed.
    """

    plan: Plan
    rows: tuple[Row, ...]
    blocks: tuple[Comparison, ...]
    across: Comparison | None
    progress: Progress | None = None

    @property
    def main(self) -> Comparison:
        """The comparison that the verdict rests on."""
        return self.across or self.blocks[0]

    @property
    def factors(self) -> Factors | None:
        """The effects of two factors, for the kind ``factors`` alone."""
        return self.main.factors

    @property
    def is_complete(self) -> bool:
        """Whether every trial has finished or failed for good, and no further look is needed."""
        is_over = self.progress is None or self.progress.is_over
        return is_over and all(row.is_settled for row in self.rows)

    @cached_property
    def has_verdict(self) -> bool:
        """Whether the trials allow a verdict, so that tests may be shown.

        True if no further trial is needed, the kind of question has what it needs, and a tested
        contrast has three pairs or more.
        """
        main = self.main
        if not main.tested or not self.is_complete:
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
    kind, progress = kind_of(spec.kind), follow(rows, spec)
    interim = progress.interim if progress else None
    by_block: dict[str, list[Row]] = {}
    for row in rows:
        by_block.setdefault(row.block, []).append(row)
    blocks = [compare(own, spec, interim) for own in by_block.values() or [rows]]
    if len(blocks) == 1:
        block = replace(blocks[0], factors=kind.factors(blocks[0], spec))
        return Analysis(plan, rows, (block,), None, progress)
    across = compare(rows, spec, interim)
    if kind.tests_variants:
        blocks = _corrected_cells(blocks, across.margin)
    across = replace(across, factors=kind.factors(across, spec))
    return Analysis(plan, rows, tuple(blocks), across, progress)


def _corrected_cells(blocks: Sequence[Comparison], margin: float | None) -> list[Comparison]:
    """Correct over all variant × block cells: Holm per block would raise too many false alarms."""
    cells = iter(corrected([c for block in blocks for c in block.family], margin))
    return [replace(b, family=tuple(next(cells) for _ in b.family)) for b in blocks]

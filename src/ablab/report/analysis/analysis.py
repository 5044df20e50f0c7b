"""All that the statistics have to say of a sweep; what every form of the report reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.conditions import why_untimed
from ablab.report.analysis.factors import Factors
from ablab.report.analysis.find import find
from ablab.report.analysis.findings import Findings
from ablab.report.analysis.ranks import Ranks, ranks
from ablab.report.analysis.setup import Setup, setup
from ablab.report.analysis.speed import Speed, speed
from ablab.report.analysis.trials import Row, in_order
from ablab.report.text.verdict import Verdict, verdict
from ablab.tracking.plan import Plan


@dataclass(frozen=True, eq=False)
class Analysis:
    """The statistics of a sweep.

    Attributes:
        plan: the plan in force.
        rows: its table, by block, variant and seed.
        blocks: a comparison a block, in the plan's order; where there are several, their p are
            corrected over all variant × block cells.
        across: several blocks only: contrasts that are averaged over blocks within each seed.
        factors: for the kind ``factors`` alone.
        speed: one a block where the sweep states a target, else empty.
        ranks: several blocks only.
        verdict: the answer, or why there is none.
    """

    plan: Plan
    rows: tuple[Row, ...]
    blocks: tuple[Comparison, ...]
    across: Comparison | None
    factors: Factors | None
    speed: tuple[Speed, ...]
    ranks: Ranks | None
    verdict: Verdict

    @cached_property
    def setup(self) -> Setup:
        """What all trials share, and what each variant sets."""
        return setup(self.plan, self.rows)


def analyse(plan: Plan, rows: Sequence[Row]) -> Analysis:
    """Return the statistics of a sweep, as far as it has come.

    Args:
        plan: the plan in force.
        rows: its table, in any order.
    """
    rows = in_order(rows, plan.spec)
    found = find(rows, plan.spec)
    return Analysis(
        plan=plan,
        rows=rows,
        blocks=found.blocks,
        across=found.across,
        factors=found.factors,
        speed=_speeds(plan, rows, found),
        ranks=ranks(found.across, plan) if found.across else None,
        verdict=verdict(plan, rows, found),
    )


def _speeds(plan: Plan, rows: Sequence[Row], found: Findings) -> tuple[Speed, ...]:
    target = plan.spec.target
    if not target:
        return ()
    timed, is_late = not why_untimed(rows), plan.parts[0].spec.target != target
    return tuple(speed(block, target, timed=timed, is_late=is_late) for block in found.blocks)

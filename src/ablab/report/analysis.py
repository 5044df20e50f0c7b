"""All that the statistics have to say of a sweep; what every form of the report reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablab.report.comparison import Comparison, compare
from ablab.report.factors import Factors
from ablab.report.ranks import Ranks
from ablab.report.speed import Speed
from ablab.report.table import Row
from ablab.report.verdict import Verdict, verdict
from ablab.tracking.plan import Plan


@dataclass(frozen=True, eq=False)
class Analysis:
    """The statistics of a sweep.

    Attributes:
        plan: the plan in force.
        rows: its table.
        blocks: a comparison a block, in the plan's order.
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


def analyse(plan: Plan, rows: Sequence[Row]) -> Analysis:
    """Return the statistics of a sweep, as far as it has come.

    Args:
        plan: the plan in force.
        rows: its table, in any order.
    """
    names = dict.fromkeys(row.block for row in rows)
    blocks = tuple(compare([r for r in rows if r.block == name], plan.spec) for name in names)
    return Analysis(plan, tuple(rows), blocks, None, None, (), None, verdict(plan, rows))

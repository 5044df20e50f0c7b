"""What a sweep asks of the statistics of its trials; `ablab.sweep.looks.Statistics` in the report.

Sweeps do not import the report: the command gives them this module. Its imports are in its
functions: a sweep starts half a second of a processor sooner without scipy.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan

if TYPE_CHECKING:
    from ablab.stats.power import Detectable


def undecided(lab: Lab, plan: Plan) -> tuple[str, ...] | None:
    """Return the variants that the next look trains; None while the newest is not settled."""
    from ablab.report.analysis.looks import follow
    from ablab.report.analysis.table import read_table

    progress = follow(read_table(lab, plan), plan.spec)
    return progress.variants if progress and progress.is_settled else None


def detectable(lab: Lab, plan: Plan, sizes: Sequence[int]) -> "Detectable | None":
    """Return what numbers of seeds could detect; None where no contrast has three pairs.

    Args:
        lab: with the trials.
        plan: whose finished trials show the spread of the differences.
        sizes: numbers of seeds, >= 3; of a sweep with looks, those of its looks.
    """
    from ablab.report.analysis.comparing import compare_effects
    from ablab.report.analysis.table import read_table
    from ablab.report.kinds import kind_of
    from ablab.stats.paired import all_equal
    from ablab.stats.power import Detectable
    from ablab.stats.sequential import Look

    spec = plan.spec
    tested = compare_effects(read_table(lab, plan), spec).tested
    known = [c for c in tested if c.n > 2 and not all_equal(c.differences)]
    if not known:
        return None
    spreads = [float(c.differences.std(ddof=1)) for c in known]
    standardized, found = kind_of(spec.kind).standardized, {}
    for number, n in enumerate(sizes, 1):
        look = Look(spec.looks.sizes, number, spec.looks.spending) if spec.looks else Look()
        size = standardized(n, len(tested), look)
        found[n] = (size * min(spreads), size * max(spreads))
    return Detectable(min(c.n for c in known), found)

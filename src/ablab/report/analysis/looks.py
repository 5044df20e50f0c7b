"""The looks of a sweep, one after the other: what each decided, and what goes on.

A look tests the contrasts whose variants have all of its seeds; a contrast that a look decided
keeps the seeds of that look. Holm's method goes over the repeated p-values of all contrasts. That
is the group-sequential Holm procedure: a decided contrast passes its level on to the others.

Source: Ye, Li, Liu and Yao 2013; Maurer and Bretz 2013.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablab.report.analysis.comparing import compare_effects
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.interim import Interim, Names
from ablab.report.analysis.trials import Row
from ablab.report.kinds import kind_of
from ablab.tracking.spec import Looks, Spec


@dataclass(frozen=True, eq=False)
class Progress:
    """Stores the looks of a sweep so far.

    Attributes:
        interim: the newest look, and what was decided.
        comparison: of the trials so far.
        is_settled: whether every trial of the newest look has finished or failed for good.
        open: the contrasts that go on to the next look; empty before the newest look is settled.
    """

    interim: Interim
    comparison: Comparison
    is_settled: bool
    open: tuple[Contrast, ...]

    @property
    def is_over(self) -> bool:
        """Whether no further look is needed."""
        return self.is_settled and not self.open

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that the next look trains, in the order of the report."""
        needed = {variant for contrast in self.open for variant in contrast.compared}
        return tuple(variant for variant in self.comparison.groups if variant in needed)

    @property
    def num_planned_next(self) -> int:
        """Number of trials that the next look plans."""
        size, following = self.interim.size, self.interim.looks.next_after(self.interim.size)
        rows = [row for v in self.variants for row in self.comparison.groups[v].rows]
        blocks = len({(row.variant, row.block) for row in rows})
        return blocks * ((following or size) - size)


def follow(rows: Sequence[Row], spec: Spec) -> Progress | None:
    """Return the looks of a sweep's trials so far; None if the number of seeds is fixed.

    Args:
        rows: the trials, in any order.
        spec: the sweep's question as the plan stores it.
    """
    if spec.looks is None:
        return None
    decided: dict[Names, int] = {}
    beaten = frozenset[str]()
    planned = len({row.seed for row in rows})
    newest = max(1, sum(size <= planned for size in spec.looks.sizes))
    for number in range(1, newest + 1):
        interim = Interim(spec.looks, number, dict(decided), beaten)
        own = [row for row in rows if row.seed < interim.size]
        comparison = compare_effects(own, spec, interim)
        if not own or not all(row.is_settled for row in own):
            return Progress(interim, comparison, is_settled=False, open=())
        kind = kind_of(comparison.kind)
        tested = [c for c in comparison.tested if c.look.number == number]
        beaten = frozenset(kind.beaten(comparison))
        decided |= {Names((c.variant, c.reference)): number for c in tested if kind.is_decided(c)}
    return Progress(
        replace(interim, decided=decided),
        comparison,
        is_settled=True,
        open=_open(comparison, tested, spec.looks),
    )


def _open(comparison: Comparison, tested: Sequence[Contrast], looks: Looks) -> tuple[Contrast, ...]:
    """Return the contrasts of the newest look that the next one can still decide."""
    kind = kind_of(comparison.kind)
    going = [c for c in tested if c.look != c.look.last and not kind.is_decided(c)]
    beaten = kind.beaten(comparison).keys()
    going = [c for c in going if not beaten & set(c.compared)]
    if looks.futility is None:
        return tuple(going)
    return tuple(c for c in going if c.n < 3 or kind.chance(c) >= looks.futility)

"""Which variant is best?"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Group
from ablab.report.analysis.findings import Findings
from ablab.report.analysis.grid import Grid
from ablab.report.formatting import listed
from ablab.report.kinds.kind import Kind, Pairs
from ablab.report.text import phrases


class Best(Kind):
    """All pairs; the leader is the reference."""

    def pairs(
        self, grid: Grid, groups: Mapping[str, Group], baseline: str | None, direction: int
    ) -> tuple[str | None, Pairs]:
        """Return the leader, where one has results, and all pairs."""
        names = _ranked(grid, groups, direction)
        leader = names[0] if names and groups[names[0]].n else None
        return leader, list(combinations(names, 2))

    def mark(self, comparison: Comparison, variant: str) -> str:
        """Return how the leader was chosen."""
        if variant != comparison.reference:
            return ""
        extreme = "highest" if comparison.direction > 0 else "lowest"
        return f"chosen as the {extreme} of {len(comparison.groups)}"

    def clauses(self, found: Findings) -> list[str]:
        """Return the leader and the variants that are not separated from it."""
        comparison = found.decisive
        by, unit, leader = phrases.by_result(found.deciding), comparison.unit, comparison.reference
        extreme = "highest" if comparison.direction > 0 else "lowest"
        mean = unit.value(comparison.groups[str(leader)].mean)
        chosen = f"{mean}, chosen as the {extreme} of {len(comparison.groups)}"
        has = f"{leader} has the {extreme} mean ({chosen})"
        ranges = f"no difference to it was detected for {phrases.ranges(by['open'], unit)}"
        behind = [f"{c.variant} by {phrases.effect(c, unit)}" for c in reversed(by["behind"])]
        beats = [f"{leader} beats {listed(behind)}"] if behind else []
        findable = phrases.findable(by["open"], unit)
        if by["ahead"]:  # where trials are missing, means and pairs are of other seeds
            named = [f"{c.variant} beats it by {phrases.effect(c, unit)}" for c in by["ahead"]]
            clauses = [f"{has}, but on the seeds that both have {listed(named)}"]
            clauses += [*([ranges] if by["open"] else []), *findable, *beats]
        elif by["open"]:
            verb = "is" if len(by["open"]) == 1 else "are"
            first = (
                f"{listed([c.variant for c in by['open']])} {verb} not separated from the leader"
            )
            among = _among(comparison, [c.variant for c in by["open"]])
            clauses = [f"{first} {leader}", *among, *beats, f"{has}, and {ranges}", *findable]
        else:
            clauses = [f"{leader} is best ({chosen})" if behind else has, *beats]
        return clauses + phrases.untested(by["untested"], unit)


def _among(comparison: Comparison, variants: Sequence[str]) -> list[str]:
    """Return the pairs that are separated among those that are not separated from the leader."""
    found = [c for c in comparison.family if {c.variant, c.reference} <= set(variants)]
    told = []
    for c in sorted(found, key=lambda c: -abs(c.mean)):
        names = {"ahead": (c.variant, c.reference), "behind": (c.reference, c.variant)}
        if c.result in names:
            better, worse = names[c.result]
            told.append(f"{better} beats {worse} by {phrases.effect(c, comparison.unit)}")
    return [f"among these {listed(told)}"] if told else []


def _ranked(grid: Grid, groups: Mapping[str, Group], direction: int) -> list[str]:
    """Return the variants, the best first; those that lack a block, or all trials, come last."""

    def place(variant: str) -> tuple[bool, int, float]:
        group = groups[variant]
        if not group.n:
            return True, 0, 0.0
        return False, -grid.blocks_of([variant]).size, -group.mean * direction

    return sorted(groups, key=place)

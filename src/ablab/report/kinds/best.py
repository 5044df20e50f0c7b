"""The kind ``best``: which variant is best?"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from ablab.formatting import join_words
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Grid, Group
from ablab.report.kinds.kind import Kind, Pairs
from ablab.report.text import phrases


class Best(Kind):
    """Compares all pairs; the variant with the best mean, the leader, is the reference."""

    def pairs(
        self, grid: Grid, groups: Mapping[str, Group], baseline: str | None, direction: int
    ) -> tuple[str | None, Pairs]:
        """Return the leader, or None without results, and all pairs."""
        names = _ranked(grid, groups, direction)
        leader = names[0] if names and groups[names[0]].n else None
        return leader, list(combinations(names, 2))

    def beaten(self, comparison: Comparison) -> Mapping[str, Contrast]:
        """Return the variants that another one beats, each with the largest such difference."""
        by: dict[str, Contrast] = {}
        for c in sorted(comparison.family, key=lambda c: abs(c.mean)):
            if c.result != "open":
                by[c.variant if c.result == "behind" else c.reference] = c
        return by

    def mark(self, comparison: Comparison, variant: str) -> str:
        """Return how the leader was chosen."""
        if variant != comparison.reference:
            return ""
        extreme = "highest" if comparison.direction > 0 else "lowest"
        return f"chosen as the {extreme} of {len(comparison.groups)}"

    def clauses(self, comparison: Comparison) -> list[str]:
        """Return the leader, and the variants that it does not beat."""
        beaten = self._beaten_by_others(comparison)
        others = [c for c in comparison.deciding if c.variant not in beaten]
        by, unit, leader = phrases.by_result(others), comparison.unit, comparison.reference
        mean = unit.value(comparison.groups[str(leader)].mean)
        chosen = f"{mean}, {self.mark(comparison, str(leader))}"
        extreme = "highest" if comparison.direction > 0 else "lowest"
        has = f"{leader} has the {extreme} mean ({chosen})"
        ranges = phrases.ranges(by["open"], unit)
        behind = [f"{c.variant} by {phrases.effect(c, unit)}" for c in reversed(by["behind"])]
        beats = [f"{leader} beats {join_words(behind)}"] if behind else []
        beats += [
            f"{c.reference if c.variant == variant else c.variant} beats {variant} by "
            f"{phrases.effect(c, unit)}"
            for variant, c in beaten.items()
        ]
        detectable = phrases.minimum_detectable_difference(by["open"], unit)
        if by["ahead"]:  # where trials are missing, the pairs cover fewer seeds than the means
            named = [f"{c.variant} beats it by {phrases.effect(c, unit)}" for c in by["ahead"]]
            clauses = [f"{has}, but on the seeds that both have {join_words(named)}"]
            clauses += [f"no difference from it was detected for {ranges}"] if by["open"] else []
            clauses += [*detectable, *beats]
        elif by["open"]:
            names = [c.variant for c in by["open"]]
            first = (
                f"no difference was detected between the leader {leader} and {join_words(names)}"
            )
            clauses = [first, *_among(comparison, names), *beats]
            clauses += [f"{has}; differences from it: {ranges}", *detectable]
        else:
            clauses = [f"{leader} is best ({chosen})" if beats else has, *beats]
        return clauses + phrases.untested(by["untested"], unit)

    def _beaten_by_others(self, comparison: Comparison) -> Mapping[str, Contrast]:
        """Return the variants that stopped since another one than the leader beats them."""
        if comparison.grid.interim is None:
            return {}
        open_ = {c.variant for c in comparison.deciding if c.result == "open"}
        return {v: c for v, c in self.beaten(comparison).items() if v in open_}


def _among(comparison: Comparison, variants: Sequence[str]) -> list[str]:
    """Return the detected differences among the variants that the leader does not beat."""
    pairs = [c for c in comparison.family if {c.variant, c.reference} <= set(variants)]
    texts = []
    for c in sorted(pairs, key=lambda c: -abs(c.mean)):
        names = {"ahead": (c.variant, c.reference), "behind": (c.reference, c.variant)}
        if c.result in names:
            better, worse = names[c.result]
            texts.append(f"{better} beats {worse} by {phrases.effect(c, comparison.unit)}")
    return [f"among the latter, {join_words(texts)}"] if texts else []


def _ranked(grid: Grid, groups: Mapping[str, Group], direction: int) -> list[str]:
    """Return the variants, the best first.

    Those that lack a block, that an earlier look found beaten, or that lack all trials, come last.
    """
    beaten = grid.interim.beaten if grid.interim else frozenset[str]()

    def order(variant: str) -> tuple[bool, bool, int, float]:
        group = groups[variant]
        if not group.n:
            return True, True, 0, 0.0
        blocks = grid.blocks_of([variant]).size
        return False, variant in beaten, -blocks, -group.mean * direction

    return sorted(groups, key=order)

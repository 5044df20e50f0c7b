"""What the chapters of a page share: the analysis, and which variants and blocks are shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.conditions import load_note, why_untimed
from ablab.report.page.sections.chapter import Chapter, Item, Note, Part
from ablab.tracking.baselines import Baselines

MOST_LINES = 10
MOST_ROWS = 30
MOST_TABLED = 300
MOST_DRAWN_BLOCKS = 6
MOST_TABLED_BLOCKS = 24


@dataclass(frozen=True)
class Choice:
    """Which variants are shown where not all can be.

    Attributes:
        variants: in the order of the report.
        note: which these are and why, empty where it is all.
    """

    variants: tuple[str, ...]
    note: str


def choose(comparison: Comparison, most: int, verb: str = "Drawn") -> Choice:
    """Return the reference, the baseline, and of the others those with the best means.

    Args:
        comparison: whose variants.
        most: how many are chosen at most.
        verb: what the note says is done to them.
    """
    groups = comparison.groups
    if len(groups) <= most:
        return Choice(tuple(groups), "")
    always = dict.fromkeys(filter(None, (comparison.reference, comparison.baseline)))
    ranked = sorted(
        (group for group in groups.values() if group.n and group.variant not in always),
        key=lambda group: -group.mean * comparison.direction,
    )
    chosen = {*always, *(group.variant for group in ranked[: most - len(always)])}
    names = " and ".join(always) + ", and " if always else ""
    note = (
        f"{verb} are {len(chosen)} of {len(groups)} variants: {names}those with the best means; "
        "all of them are in variants.csv beside this page."
    )
    return Choice(tuple(variant for variant in groups if variant in chosen), note)


@dataclass(frozen=True)
class Context:
    """What every chapter is told.

    Attributes:
        analysis: what the statistics have to say.
        baselines: what the lab knows of classical learners.
    """

    analysis: Analysis
    baselines: tuple[Baselines, ...] = ()

    @property
    def tested(self) -> bool:
        """Tell whether a verdict was given, so that its tests may be shown."""
        return self.analysis.verdict.is_given

    @property
    def foreign(self) -> bool:
        """Tell whether the runs are others', of which only what MLflow holds is known."""
        return self.analysis.plan.spec.foreign

    @cached_property
    def why_untimed(self) -> str:
        """How trials ran, where that differs so that times do not compare, else empty."""
        return why_untimed(self.analysis.rows)

    @property
    def timed(self) -> bool:
        """Tell whether times and memory compare."""
        return not self.why_untimed

    @property
    def has_diverged(self) -> bool:
        """Tell whether any trial diverged."""
        return any(row.outcome == "diverged" for row in self.analysis.rows)

    @cached_property
    def load(self) -> str:
        """What is to be said beside seconds where the machine was busy, else empty."""
        return load_note(self.analysis.rows)

    @property
    def main(self) -> Comparison:
        """The comparison that the answer is about."""
        return self.analysis.across or self.analysis.blocks[0]

    @cached_property
    def lines(self) -> Choice:
        """The variants that are drawn as lines: the same, in the same look, in every picture."""
        return choose(self.main, MOST_LINES)

    @property
    def places(self) -> dict[str, int]:
        """Which look each of them has."""
        return {variant: place for place, variant in enumerate(self.lines.variants)}

    def by_block(
        self,
        name: str,
        title: str,
        make: Callable[[Comparison, int], Iterable[Item]],
        most: int = MOST_DRAWN_BLOCKS,
    ) -> Chapter:
        """Return a chapter with a part a block, folded from the second one on.

        Args:
            name: the chapter's anchor.
            title: its heading.
            make: returns the items of a block, given its comparison and number.
            most: how many blocks are shown; the last part says if there are more.
        """
        blocks = self.analysis.blocks
        several = len(blocks) > 1
        found = [
            Part(block.block if several else "", tuple(make(block, number)), bool(number))
            for number, block in enumerate(blocks[:most])
        ]
        parts = [part for part in found if part.items]
        if parts and len(blocks) > most:
            told = f"Shown are the first {most} of {len(blocks)} blocks; all are in the CSV files."
            parts.append(Part("", (Note(told),)))
        return Chapter(name, title, tuple(parts))

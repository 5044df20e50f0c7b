"""The context of a page: its analysis, and which variants and blocks are shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.conditions import load_note, why_untimed
from ablab.report.page.sections.section import Item, Note, Part, Section
from ablab.tracking.baselines import Baselines

MOST_LINES = 10
MOST_ROWS = 30
MOST_TABLED = 300
MOST_DRAWN_BLOCKS = 6
MOST_TABLED_BLOCKS = 24


@dataclass(frozen=True)
class Choice:
    """Variants that are shown where there is no room for all.

    Attributes:
        variants: in the order of the report.
        note: which they are and why; empty if all are shown.
    """

    variants: tuple[str, ...]
    note: str


def choose(comparison: Comparison, most: int, verb: str = "drawn") -> Choice:
    """Return the reference, the baseline, and of the others those with the best means.

    Args:
        comparison: the comparison of the variants.
        most: the largest number to choose.
        verb: what is done to them, for the note.
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
        f"{len(chosen)} of {len(groups)} variants are {verb}: {names}those with the best means; "
        "variants.csv, next to this page, has all of them."
    )
    return Choice(tuple(variant for variant in groups if variant in chosen), note)


@dataclass(frozen=True)
class Context:
    """What the sections of a page share.

    Attributes:
        analysis: the statistics of the sweep.
        baselines: the results of scikit-learn baselines in the lab.
        fixed: the verdict of the same comparison at fixed hyper-parameters, or empty.
    """

    analysis: Analysis
    baselines: tuple[Baselines, ...] = ()
    fixed: str = ""

    @property
    def tested(self) -> bool:
        """Whether a verdict was given, so that tests may be shown."""
        return self.analysis.has_verdict

    @property
    def foreign(self) -> bool:
        """Whether the trials are MLflow runs that ablab did not launch."""
        return self.analysis.plan.spec.foreign

    @cached_property
    def why_untimed(self) -> str:
        """How trials ran under different conditions, so that times do not compare; or empty."""
        return why_untimed(self.analysis.rows)

    @property
    def timed(self) -> bool:
        """Whether times and memory compare."""
        return not self.why_untimed

    @property
    def has_diverged(self) -> bool:
        """Whether any trial diverged."""
        return any(row.outcome == "diverged" for row in self.analysis.rows)

    @cached_property
    def load(self) -> str:
        """The note on times that were measured on a busy machine, or empty."""
        return load_note(self.analysis.rows)

    @property
    def main(self) -> Comparison:
        """The comparison that the verdict is about."""
        return self.analysis.main

    @cached_property
    def lines(self) -> Choice:
        """The variants that are drawn as lines, with the same style in every picture."""
        return choose(self.main, MOST_LINES)

    @property
    def style_indices(self) -> dict[str, int]:
        """The index of each drawn variant's line style."""
        return {variant: index for index, variant in enumerate(self.lines.variants)}

    def by_block(
        self,
        name: str,
        title: str,
        make: Callable[[Comparison, int], Iterable[Item]],
        most: int = MOST_DRAWN_BLOCKS,
    ) -> Section:
        """Return a section with one part per block, folded from the second one on.

        Args:
            name: the section's anchor.
            title: its heading.
            make: returns the items of a block, given its comparison and index.
            most: the largest number of blocks to show; a last part says if there are more.
        """
        blocks = self.analysis.blocks
        several = len(blocks) > 1
        parts = [
            Part(block.block if several else "", tuple(make(block, index)), bool(index))
            for index, block in enumerate(blocks[:most])
        ]
        parts = [part for part in parts if part.items]
        if parts and len(blocks) > most:
            note = f"The first {most} of {len(blocks)} blocks are shown; the CSV files have all."
            parts.append(Part("", (Note(note),)))
        return Section(name, title, tuple(parts))

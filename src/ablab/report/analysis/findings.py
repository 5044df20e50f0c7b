"""What a sweep's trials have to say: block by block, and over all blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablab.report.analysis.comparison import Comparison, compare
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.factors import Factors, factors
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.trials import Row
from ablab.tracking.spec import Spec


@dataclass(frozen=True, eq=False)
class Findings:
    """The comparisons of a sweep.

    Attributes:
        blocks: one a block; where there are several, corrected over all of their contrasts.
        across: several blocks only: the averages over them.
        factors: for the kind ``factors`` alone.
    """

    blocks: tuple[Comparison, ...]
    across: Comparison | None
    factors: Factors | None

    @property
    def decisive(self) -> Comparison:
        """The comparison that the verdict rests on."""
        return self.across or self.blocks[0]

    @property
    def family(self) -> tuple[Contrast, ...]:
        """The contrasts that are corrected together for the verdict."""
        if self.decisive.kind == "factors":
            return self.factors.effects if self.factors else ()
        return self.decisive.family

    @property
    def deciding(self) -> tuple[Contrast, ...]:
        """Those that the verdict speaks of: with the reference, or the effects of factors."""
        if self.decisive.kind == "factors":
            return self.family
        return tuple(self.decisive.against_reference.values())


def find(rows: Sequence[Row], spec: Spec) -> Findings:
    """Return what the rows have to say to the question.

    Args:
        rows: in the order of the report.
        spec: the sweep's question as a plan holds it.
    """
    by_block: dict[str, list[Row]] = {}
    for row in rows:
        by_block.setdefault(row.block, []).append(row)
    blocks = [compare(own, spec) for own in by_block.values()] or [compare(rows, spec)]
    across = compare(rows, spec) if len(blocks) > 1 else None
    if across is not None and across.kind != "factors":
        blocks = _corrected_cells(blocks, across.margin)
    whole = across or blocks[0]
    grid_of_two = factors(whole, spec) if whole.kind == "factors" else None
    return Findings(tuple(blocks), across, grid_of_two)


def _corrected_cells(blocks: Sequence[Comparison], margin: float | None) -> list[Comparison]:
    """Correct over all variant × block cells: Holm per block would be false far too often."""
    cells = iter(corrected([c for block in blocks for c in block.family], margin))
    return [replace(b, family=tuple(next(cells) for _ in b.family)) for b in blocks]

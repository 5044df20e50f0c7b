"""What a sweep's trials have to say: block by block, and over all blocks."""

from dataclasses import dataclass

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.factors import Factors


@dataclass(frozen=True, eq=False)
class Findings:
    """The comparisons of a sweep.

    Attributes:
        blocks: one a block; where there are several, corrected over all of their contrasts.
        across: several blocks only: the averages over them.
        factors: of a kind that tests effects over variants.
        family: the contrasts that are corrected together for the verdict.
        deciding: those that the verdict speaks of: with the reference, or the effects.
    """

    blocks: tuple[Comparison, ...]
    across: Comparison | None
    factors: Factors | None
    family: tuple[Contrast, ...]
    deciding: tuple[Contrast, ...]

    @property
    def decisive(self) -> Comparison:
        """The comparison that the verdict rests on."""
        return self.across or self.blocks[0]

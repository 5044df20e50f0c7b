"""Variants compared within one block or over several, paired by seed identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ablab.report.analysis.contrast import Contrast, Group
from ablab.report.analysis.grid import Grid
from ablab.report.analysis.images import Images
from ablab.report.formatting import Unit


@dataclass(frozen=True, eq=False)
class Comparison:
    """What one block, or several together, have to say.

    Attributes:
        block: its name; empty for several together.
        blocks: those that are compared.
        groups: by variant, in the plan's order.
        baseline: the variant that the question names as such, or None.
        reference: the variant that the others are held against, or None: for ``best`` the
            leader, otherwise the baseline.
        family: the contrasts that are corrected together; for ``best`` all pairs, otherwise
            those with the reference. For ``factors`` they are described and not tested.
        margin: half the width of what counts as equal, or None.
        grid: the cells.
        images: what reads which test images were classified rightly; None for other metrics.
        unit: how the metric is written.
    """

    block: str
    blocks: tuple[str, ...]
    kind: str
    metric: str
    direction: int
    groups: Mapping[str, Group]
    baseline: str | None
    reference: str | None
    family: tuple[Contrast, ...]
    margin: float | None
    grid: Grid
    images: Images | None
    unit: Unit

    @cached_property
    def against_reference(self) -> dict[str, Contrast]:
        """The contrast of each other variant with the reference, in the order of groups."""
        found = {c.variant: c for c in self.family if c.reference == self.reference}
        return {variant: found[variant] for variant in self.groups if variant in found}

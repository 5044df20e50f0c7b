"""Two factors: main effects and the interaction, one contrast a seed."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablab.report.contrast import Contrast, Group


@dataclass(frozen=True, eq=False)
class Factors:
    """A grid of two axes.

    Attributes:
        names: the two axes.
        levels: the levels of each, the baseline's first.
        cells: by level of the first and of the second axis; values are seed means over blocks.
        effects: main effects of the first axis, of the second, then interactions; one of each in
            a 2 × 2 grid. Corrected together.
        signs: for each interaction, by its name, whether it keeps its sign on log odds; empty
            where the metric is no accuracy.
    """

    names: tuple[str, str]
    levels: tuple[tuple[str, ...], tuple[str, ...]]
    cells: Mapping[tuple[str, str], Group]
    effects: tuple[Contrast, ...]
    signs: Mapping[str, bool]

    @property
    def keeps_sign(self) -> bool | None:
        """Whether every interaction keeps its sign on log odds; None where that is not known."""
        return all(self.signs.values()) if self.signs else None

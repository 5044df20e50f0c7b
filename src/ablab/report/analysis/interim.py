"""The look that a comparison belongs to, in a sweep that looks at growing numbers of seeds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ablab.stats.sequential import Look
from ablab.tracking.spec import Looks

Names = frozenset[str]
"""The names of a contrast and of its reference, in either order."""


@dataclass(frozen=True)
class Interim:
    """Stores one look and what earlier looks decided.

    Attributes:
        looks: all looks of the sweep.
        number: the newest look, from 1.
        decided: by contrast, the number of the look that decided it; its later seeds do not count.
        beaten: the variants that earlier looks found out of the question, as `Kind.beaten`.
    """

    looks: Looks
    number: int
    decided: Mapping[Names, int] = field(default_factory=dict)
    beaten: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Number of seeds of the newest look."""
        return self.looks.sizes[self.number - 1]

    def look_of(self, names: Collection[str], planned: int) -> Look:
        """Return the look that tests a contrast.

        Args:
            names: of the contrast and of its reference.
            planned: number of seeds on which all of its variants are planned.
        """
        reached = sum(size <= planned for size in self.looks.sizes)
        number = min(self.number, max(1, reached), self.decided.get(Names(names), self.number))
        return Look(self.looks.sizes, number, self.looks.spending)

"""A comparison of variants within one block or averaged over several, paired by seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ablab.formatting import Unit
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Grid, Group
from ablab.report.analysis.images import Images


@dataclass(frozen=True, eq=False)
class Factors:
    """The effects of two factors.

    Attributes:
        names: the two axes.
        levels: the levels of each axis, the baseline's first.
        cells: by level of the first and of the second axis; values are seed means over blocks.
        effects: main effects of the first axis, of the second, then interactions; one of each in
            a 2 × 2 grid. Corrected together.
        effect_levels: by name of the effect, the level of each axis that it is about; None for
            the axis that it is averaged over.
        signs: by name of the interaction, whether it keeps its sign on log odds; empty where the
            metric is not an accuracy.
    """

    names: tuple[str, str]
    levels: tuple[tuple[str, ...], tuple[str, ...]]
    cells: Mapping[tuple[str, str], Group]
    effects: tuple[Contrast, ...]
    effect_levels: Mapping[str, tuple[str | None, str | None]]
    signs: Mapping[str, bool]

    @property
    def keeps_sign(self) -> bool | None:
        """Whether every interaction keeps its sign on log odds; None if unknown."""
        return all(self.signs.values()) if self.signs else None


@dataclass(frozen=True, eq=False)
class Comparison:
    """The variants of one block, or of several blocks averaged within each seed.

    Attributes:
        block: its name; empty for several blocks.
        blocks: the blocks compared.
        direction: 1 if higher is better, -1 if lower is better.
        groups: by variant, in the plan's order.
        baseline: the variant that the question names as its baseline, or None.
        reference: the variant that the others are compared with, or None: the leader for
            ``best``, otherwise the baseline.
        family: the contrasts of variants: all pairs for ``best``, otherwise those with the
            reference. Corrected together unless effects are tested instead.
        margin: half the width of the equivalence region, or None.
        grid: the trials as arrays.
        images: reads which test images were classified correctly; None for other metrics.
        unit: how the metric is formatted.
        tests_variants: whether the contrasts of variants are tested, or the effects of factors.
        factors: the effects, for kinds that test them and where the variants are a grid.
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
    tests_variants: bool = True
    factors: Factors | None = None

    @cached_property
    def against_reference(self) -> dict[str, Contrast]:
        """The contrast of each other variant with the reference, in the order of groups."""
        by_variant = {c.variant: c for c in self.family if c.reference == self.reference}
        return {variant: by_variant[variant] for variant in self.groups if variant in by_variant}

    @property
    def tested(self) -> tuple[Contrast, ...]:
        """The contrasts that are tested and corrected together: of variants, or effects."""
        if self.tests_variants:
            return self.family
        return self.factors.effects if self.factors else ()

    @property
    def deciding(self) -> tuple[Contrast, ...]:
        """The tested contrasts that the verdict names: those with the reference, or effects."""
        return tuple(self.against_reference.values()) if self.tests_variants else self.tested

"""Base class of the kinds of question: contrasts, clauses of the verdict, columns of tests."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from ablab.formatting import format_p_value
from ablab.report.analysis.comparison import Comparison, Factors
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Grid, Group
from ablab.report.page.contrast_columns import TESTS, Formatter
from ablab.stats.futility import chance_of_difference
from ablab.stats.paired import ALPHA, smallest_sign_flip_p
from ablab.stats.power import standardized_difference
from ablab.stats.sequential import Look
from ablab.tracking.spec import Spec

Pairs = Sequence[tuple[str, str]]


class Kind(ABC):
    """A kind of question; by default it compares each variant with the baseline.

    Attributes:
        tests_variants: whether the contrasts of variants are tested and corrected together;
            otherwise they are described, and effects are tested.
        columns: the columns of tests in the table of variants.
        each: what a contrast compares, in the singular.
    """

    tests_variants = True
    columns: Mapping[str, Formatter] = TESTS
    each = "variant"

    @abstractmethod
    def clauses(self, comparison: Comparison) -> list[str]:
        """Return the clauses of the verdict, the answer first."""

    def pairs(
        self, grid: Grid, groups: Mapping[str, Group], baseline: str | None, direction: int
    ) -> tuple[str | None, Pairs]:
        """Return the reference and the family's pairs, each as (reference, variant)."""
        return baseline, [(baseline, v) for v in groups if baseline and v != baseline]

    def factors(self, whole: Comparison, spec: Spec) -> Factors | None:
        """Return the effects that are tested in place of variants, or None."""
        return None

    def why_none(self, comparison: Comparison) -> str:
        """Return why there can be no verdict of this kind, or an empty string."""
        return ""

    def is_decided(self, contrast: Contrast) -> bool:
        """Return whether the test of a contrast has a result."""
        return contrast.result != "open"

    def chance(self, contrast: Contrast) -> float:
        """Return the predicted probability that the last look decides a contrast at its level."""
        last = contrast.look.last
        return float(chance_of_difference(contrast.differences, last, contrast.level))

    def standardized(self, n: int, m: int, look: Look) -> float:
        """Return what n seeds detect with 80 % power, in standard deviations of the differences."""
        return standardized_difference(n, m, look)

    def beaten(self, comparison: Comparison) -> Mapping[str, Contrast]:
        """Return the variants that are out of the question, each with the contrast that says so."""
        return {}

    def mark(self, comparison: Comparison, variant: str) -> str:
        """Return the remark beside a variant's name in tables, or an empty string."""
        return ""

    def tests(self, comparison: Comparison, family: Sequence[Contrast]) -> list[str]:
        """Return sentences on the tests that decide and on what they could have detected."""
        m, n = len(family), max((c.n for c in family), default=0)
        sentences = [
            f"Holm p decides, at level {ALPHA}: the p-value of the paired t test, corrected over "
            f"a family of {m}."
        ]
        sizes = [c.minimum_detectable_difference for c in family]
        if differences := comparison.unit.span(sizes, self.each):
            sentences.append(
                "With the observed spread, the minimum detectable difference is about "
                f"{differences} (80 % power at level {ALPHA}/{m})."
            )
        if n > 2:
            look = next(c.look for c in family if c.n == n)
            least = min(1.0, m * float(look.repeated(np.array(smallest_sign_flip_p(n, 1)))))
            limit = f", which is above {ALPHA}; it does not affect the verdict"
            sentences.append(
                f"The smallest possible sign-flip p for n = {n} after Holm is "
                f"{format_p_value(least)}{limit if least > ALPHA else ''}."
            )
        return sentences

"""What a kind of question is to the report: who is compared, what is said, what is shown."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast, Group
from ablab.report.analysis.factors import Factors
from ablab.report.analysis.findings import Findings
from ablab.report.analysis.grid import Grid
from ablab.report.formatting import p_value
from ablab.report.page.contrast_columns import TESTS, Tell
from ablab.report.text.phrases import findable
from ablab.stats.paired import ALPHA, smallest_sign_flip_p
from ablab.tracking.spec import Spec

Pairs = Sequence[tuple[str, str]]


class Kind(ABC):
    """A kind of question; one that compares each variant with the baseline unless it says else.

    Attributes:
        tests_variants: whether the contrasts of variants are tested and corrected together;
            otherwise effects over them are.
        columns: those of tests in the table of variants.
        each: what a contrast is of.
    """

    tests_variants = True
    columns: Mapping[str, Tell] = TESTS
    each = "variant"

    @abstractmethod
    def clauses(self, found: Findings) -> list[str]:
        """Return what the verdict says, the answer first."""

    def pairs(
        self, grid: Grid, groups: Mapping[str, Group], baseline: str | None, direction: int
    ) -> tuple[str | None, Pairs]:
        """Return the reference, and the pairs of the family, the reference of each first."""
        return baseline, [(baseline, v) for v in groups if baseline and v != baseline]

    def factors(self, whole: Comparison, spec: Spec) -> Factors | None:
        """Return the effects that are tested in place of variants; None where there are none."""
        return None

    def why_none(self, found: Findings) -> str:
        """Return why there can be no verdict of this kind, or nothing."""
        return ""

    def mark(self, comparison: Comparison, variant: str) -> str:
        """Return what sets a variant apart in tables, beside its being the baseline."""
        return ""

    def tests(self, comparison: Comparison, family: Sequence[Contrast]) -> list[str]:
        """Return which tests decide, and what they could have found, a sentence each."""
        m, n = len(family), max((c.n for c in family), default=0)
        told = [f"Holm p decides, over a family of {m}, at {ALPHA}; the test is the paired t test."]
        told += [
            f"With this spread {clause} (at level {ALPHA}/{m})."
            for clause in findable(family, comparison.unit, self.each)
        ]
        if n > 2:
            least = smallest_sign_flip_p(n, m)
            veto = "; it cannot reach 0.05 and vetoes nothing" if least > ALPHA else ""
            told.append(
                f"The smallest sign-flip p of n = {n} after Holm is {p_value(least)}{veto}."
            )
        return told

"""The kind ``equivalence``: which variants are equivalent to the baseline within a margin?"""

from collections.abc import Sequence

from ablab.formatting import Unit, format_p_value, join_words
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.kinds.kind import Kind
from ablab.report.page.contrast_columns import EQUIVALENCE
from ablab.report.text import phrases
from ablab.stats.equivalence import Equivalence
from ablab.stats.futility import chance_of_equivalence
from ablab.stats.paired import ALPHA
from ablab.stats.power import standardized_margin
from ablab.stats.sequential import Look


class Equivalent(Kind):
    """Compares each variant with the baseline, within a margin that was stated before training."""

    columns = EQUIVALENCE

    def clauses(self, comparison: Comparison) -> list[str]:
        """Return which variants are equivalent to the baseline, different, and undecided."""
        unit, margin = comparison.unit, comparison.unit.size(comparison.margin or 0.0)
        baseline, clauses = f"the baseline {comparison.reference}", []
        by: dict[str, list[tuple[Contrast, Equivalence]]] = {}
        for contrast in comparison.deciding:
            assert contrast.equivalence is not None
            by.setdefault(contrast.equivalence.result, []).append((contrast, contrast.equivalence))
        if equal := by.get("equivalent"):
            named = join_words([f"{c.variant} ({_inside(c, e, unit)})" for c, e in equal])
            verb = "is" if len(equal) == 1 else "are"
            clauses.append(f"{named} {verb} equivalent to {baseline} within {margin}")
        if different := by.get("different"):
            named = join_words([f"{c.variant} ({_outside(c, e, unit)})" for c, e in different])
            verb = "differs" if len(different) == 1 else "differ"
            clauses.append(f"{named} {verb} from {baseline} by more than {margin}")
        if undecided := by.get("undecided"):
            named = join_words([f"{c.variant} ({_inside(c, e, unit)})" for c, e in undecided])
            clauses.append(f"equivalence to {baseline} within {margin} is undecided for {named}")
            clauses += _unadjusted([(c, e) for c, e in undecided if not any(c.uncounted)], unit)
            clauses += _detectable_margin([e for _, e in undecided], unit)
        if max(c.m for c in comparison.deciding) > 1:
            clauses.append(
                f"p is adjusted by Holm's method over {comparison.deciding[0].m} contrasts"
            )
        return clauses

    def is_decided(self, contrast: Contrast) -> bool:
        """Return whether the contrast is equivalent or different."""
        return contrast.equivalence is not None and contrast.equivalence.result != "undecided"

    def chance(self, contrast: Contrast) -> float:
        """Return the predicted probability that the last look finds either."""
        tests, last = contrast.equivalence, contrast.look.last
        assert tests is not None
        levels = (tests.level, tests.outside_level)
        return float(chance_of_equivalence(contrast.differences, last, tests.margin, *levels))

    def standardized(self, n: int, m: int, look: Look) -> float:
        """Return the margin that n seeds show with 80 % power, in standard deviations."""
        return standardized_margin(n, m, look)

    def why_none(self, comparison: Comparison) -> str:
        """Return that there is no margin, if so."""
        if comparison.margin:
            return ""
        return "No verdict: equivalence needs a margin that was stated before training"

    def tests(self, comparison: Comparison, family: Sequence[Contrast]) -> list[str]:
        """Return sentences on the two one-sided tests and on the detectable margin."""
        m, margin = len(family), comparison.unit.size(comparison.margin or 0.0)
        sentences = [
            f"Two one-sided t tests at level {ALPHA} against the margin of {margin} decide, with "
            f"p corrected by Holm over a family of {m}. The Holm-adjusted intervals give the same "
            "results; an unadjusted 90 % interval does not decide."
        ]
        margins = [c.equivalence.detectable_margin for c in family if c.equivalence]
        if sizes := comparison.unit.span(margins):
            sentences.append(
                f"With the observed spread, the detectable margin is about {sizes} (80 % power if "
                "there is no difference)."
            )
        return sentences


def _unadjusted(undecided: Sequence[tuple[Contrast, Equivalence]], unit: Unit) -> list[str]:
    """Return the clause on variants that would be equivalent if theirs were the only contrast."""
    texts = [
        f"{c.variant} ({unit.interval(e.interval90)}{unit.points})"
        for c, e in undecided
        if e.interval90 is not None and max(map(abs, e.interval90)) < e.margin
    ]
    if not texts:
        return []
    return [f"the unadjusted 90 % CI lies within the margin for {join_words(texts)}"]


def _inside(contrast: Contrast, equivalence: Equivalence, unit: Unit) -> str:
    """Return interval, p and n of the test that the difference lies within the margin."""
    if contrast.n < 3:
        return phrases.bounds(contrast, unit)
    if equivalence.step_interval is None:
        interval = phrases.bounds(contrast, unit)
    else:
        name, bounds = phrases.interval_name(contrast, 90), unit.interval(equivalence.step_interval)
        interval = f"{name} {bounds}{unit.points}{phrases.notes(contrast)}"
    return f"{interval}, Holm p {format_p_value(equivalence.p_holm)}, n = {contrast.n}"


def _outside(contrast: Contrast, equivalence: Equivalence, unit: Unit) -> str:
    """Return size, interval, p and n of the test that the difference is beyond the margin."""
    way = "higher" if contrast.mean > 0 else "lower"
    p = f"Holm p {format_p_value(equivalence.p_different_holm)}"
    evidence = phrases.evidence(contrast, equivalence.outside_interval, p, unit)
    return f"{unit.size(contrast.mean)} {way}; {evidence}"


def _detectable_margin(equivalences: Sequence[Equivalence], unit: Unit) -> list[str]:
    sizes = unit.span([e.detectable_margin for e in equivalences])
    if not sizes:
        return []
    return [f"detectable margin: about {sizes} (80 % power if there is no difference)"]

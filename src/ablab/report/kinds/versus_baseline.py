"""The kind ``versus_baseline``: which variants beat the baseline?"""

from ablab.formatting import join_words
from ablab.report.analysis.comparison import Comparison
from ablab.report.kinds.kind import Kind
from ablab.report.text import phrases


class VersusBaseline(Kind):
    """Compares each variant with the baseline."""

    def clauses(self, comparison: Comparison) -> list[str]:
        """Return which variants beat the baseline, are beaten by it, or are undecided."""
        by, unit, clauses = phrases.by_result(comparison.deciding), comparison.unit, []
        baseline = f"the baseline {comparison.reference}"
        if by["ahead"]:
            first, *others = by["ahead"]
            clauses.append(f"{first.variant} beats {baseline} by {phrases.effect(first, unit)}")
            if others:
                named = [f"{c.variant} by {phrases.effect(c, unit)}" for c in others]
                clauses[-1] += (
                    f", and so {'does' if len(others) == 1 else 'do'} {join_words(named)}"
                )
        if by["behind"]:
            named = [f"{c.variant} by {phrases.effect(c, unit)}" for c in by["behind"]]
            clauses.append(f"{baseline} beats {join_words(named)}")
        if by["open"]:
            against = "" if clauses else f" from {baseline}"
            ranges = phrases.ranges(by["open"], unit)
            clauses.append(f"no difference{against} was detected for {ranges}")
        clauses += phrases.minimum_detectable_difference(by["open"], unit)
        return clauses + phrases.untested(by["untested"], unit)

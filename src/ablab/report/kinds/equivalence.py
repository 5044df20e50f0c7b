"""The clauses on a margin: which variants are equivalent, which differ, and what is open."""

from collections.abc import Sequence

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.findings import Findings
from ablab.report.formatting import Unit, listed, p_value
from ablab.report.kinds.kind import Kind
from ablab.report.page.contrast_columns import EQUIVALENCE
from ablab.report.text import phrases
from ablab.stats.equivalence import Equivalence
from ablab.stats.paired import ALPHA


class Equivalent(Kind):
    """Each variant against the baseline, within a margin that was stated before training."""

    columns = EQUIVALENCE

    def clauses(self, found: Findings) -> list[str]:
        """Return which variants are equivalent to the baseline, which differ, and what is open."""
        comparison = found.decisive
        unit, margin = comparison.unit, comparison.unit.size(comparison.margin or 0.0)
        baseline, clauses = f"the baseline {comparison.reference}", []
        by: dict[str, list[tuple[Contrast, Equivalence]]] = {}
        for contrast in found.deciding:
            assert contrast.equivalence is not None
            by.setdefault(contrast.equivalence.result, []).append((contrast, contrast.equivalence))
        if equal := by.get("equivalent"):
            named = listed([f"{c.variant} ({_inside(c, e, unit)})" for c, e in equal])
            verb = "is" if len(equal) == 1 else "are"
            clauses.append(f"{named} {verb} equivalent to {baseline} within {margin}")
        if different := by.get("different"):
            named = listed([f"{c.variant} ({_outside(c, e, unit)})" for c, e in different])
            verb = "differs" if len(different) == 1 else "differ"
            clauses.append(f"{named} {verb} from {baseline} by more than {margin}")
        if undecided := by.get("undecided"):
            named = listed([f"{c.variant} ({_inside(c, e, unit)})" for c, e in undecided])
            clauses.append(f"equivalence to {baseline} within {margin} is undecided for {named}")
            clauses += _alone([(c, e) for c, e in undecided if not any(c.uncounted)], unit)
            clauses += _detectable_margin([e for _, e in undecided], unit)
        if max(c.m for c in found.deciding) > 1:
            clauses.append(f"Holm's step over {found.deciding[0].m} contrasts decides")
        return clauses

    def why_none(self, found: Findings) -> str:
        """Return that there is no margin."""
        if found.decisive.margin:
            return ""
        return "No verdict: equivalence needs a margin that was stated before training"

    def tests(self, comparison: Comparison, family: Sequence[Contrast]) -> list[str]:
        """Return that two one-sided tests decide, and which margin they could have shown."""
        m, margin = len(family), comparison.unit.size(comparison.margin or 0.0)
        held = [c.equivalence.detectable_margin for c in family if c.equivalence]
        sizes = phrases.span(held, comparison.unit)
        could = f" With this spread a margin of about {sizes} would be shown 4 times in 5."
        return [
            f"Two one-sided t tests at {ALPHA} against the margin of {margin} decide, their p "
            f"corrected by Holm over a family of {m}; the intervals at their Holm steps decide "
            f"alike, a 90 % interval alone does not.{could if sizes else ''}"
        ]


def _alone(undecided: Sequence[tuple[Contrast, Equivalence]], unit: Unit) -> list[str]:
    """Return what would be equivalent were it the only contrast: that does not decide."""
    told = [
        f"{c.variant} ({unit.interval(e.interval90)}{unit.points})"
        for c, e in undecided
        if e.interval90 is not None and max(map(abs, e.interval90)) < e.margin
    ]
    if not told:
        return []
    return [f"the 90 % CI of one contrast alone lies within the margin for {listed(told)}"]


def _inside(contrast: Contrast, held: Equivalence, unit: Unit) -> str:
    if contrast.n < 3:
        return phrases.bounds(contrast, unit)
    name = "90 % CI" if contrast.m == 1 else "Holm-adjusted 90 % CI"
    shown = f"{name} {unit.interval(held.step_interval)}{unit.points}"
    if held.step_interval is None:
        shown = phrases.bounds(contrast, unit)
    mark = ", unreliable" if contrast.is_unreliable else ""
    if any(contrast.uncounted):
        mark += ", among the trials that count alone"
    return f"{shown}{mark}, Holm p {p_value(held.p_holm)}, n = {contrast.n}"


def _outside(contrast: Contrast, held: Equivalence, unit: Unit) -> str:
    way = "higher" if contrast.mean > 0 else "lower"
    p, interval = f"Holm p {p_value(held.p_different_holm)}", held.outside_interval
    return f"{unit.size(contrast.mean)} {way}; {phrases.evidence(contrast, interval, p, unit)}"


def _detectable_margin(held: Sequence[Equivalence], unit: Unit) -> list[str]:
    sizes = phrases.span([e.detectable_margin for e in held], unit)
    if not sizes:
        return []
    return [f"a margin of about {sizes} would be shown 4 times in 5 were there no difference"]

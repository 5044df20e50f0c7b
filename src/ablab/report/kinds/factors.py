"""The kind ``factors``: what do two factors do, and do they interact?"""

from ablab.formatting import MOST_LISTED, Unit
from ablab.report.analysis.comparison import Comparison, Factors
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.factors import factors
from ablab.report.kinds.kind import Kind
from ablab.report.text import phrases
from ablab.tracking.spec import Spec


class TwoFactors(Kind):
    """Tests the effects of two factors over a grid; the variants are described, not tested."""

    tests_variants = False
    each = "effect"

    def factors(self, whole: Comparison, spec: Spec) -> Factors | None:
        """Return the effects, or None if the variants are not a grid of two axes."""
        return factors(whole, spec)

    def why_none(self, comparison: Comparison) -> str:
        """Return that there is no grid, if so."""
        return "" if comparison.factors else "No verdict: the variants are not a grid of two axes"

    def clauses(self, comparison: Comparison) -> list[str]:
        """Return the main effects, then the interactions and their signs on log odds."""
        effects = comparison.factors
        assert effects is not None
        metric, unit = comparison.metric.replace("/", " "), comparison.unit
        mains = [c for c in effects.effects if None in effects.effect_levels[c.variant]]
        others = [c for c in effects.effects if None not in effects.effect_levels[c.variant]]
        clauses = _few([_main(c, effects, metric, unit) for c in mains if c.result != "open"])
        clauses += _few([_interaction(c, effects, unit) for c in others if c.result != "open"])
        open_mains = [c for c in mains if c.result == "open"]
        open_others = [c for c in others if c.result == "open"]
        if open_mains:
            pairs = phrases.ranges(open_mains, unit, lambda c: _levels(c, effects))
            clauses.append(f"no average difference was detected between {pairs}")
        if open_others:
            clauses.append(f"no interaction was detected for {phrases.ranges(open_others, unit)}")
        undecided = [*open_mains, *open_others]
        return clauses + phrases.minimum_detectable_difference(undecided, unit, self.each)


def _few(clauses: list[str]) -> list[str]:
    """Return the clauses; of many only the first, and the number of the others."""
    if len(clauses) <= MOST_LISTED:
        return clauses
    more = len(clauses) - MOST_LISTED + 1
    return [*clauses[: MOST_LISTED - 1], f"and {more} more such effects were detected"]


def _axis(contrast: Contrast, factors: Factors) -> int:
    """Return the index of a main effect's axis, 0 or 1."""
    return 0 if factors.effect_levels[contrast.variant][0] is not None else 1


def _main(contrast: Contrast, factors: Factors, metric: str, unit: Unit) -> str:
    axis = _axis(contrast, factors)
    does = "raises" if contrast.mean > 0 else "lowers"
    return (
        f"{contrast.variant} {does} {metric} by {phrases.effect(contrast, unit)} compared with "
        f"{contrast.reference}, averaged over {factors.names[1 - axis]}"
    )


def _levels(contrast: Contrast, factors: Factors) -> str:
    return f"{contrast.variant} and {factors.levels[_axis(contrast, factors)][0]}"


def _interaction(contrast: Contrast, factors: Factors, unit: Unit) -> str:
    x, y = factors.effect_levels[contrast.variant]
    (a, b), ((a0, *_), (b0, *_)) = factors.names, factors.levels
    way = "higher" if contrast.mean > 0 else "lower"
    sign = {
        True: ", and has the same sign on log odds",
        False: ", but does not have the same sign on log odds: near the ceiling of 100 % such an "
        "interaction can be an artifact of the scale",
    }.get(factors.signs.get(contrast.variant), "")  # type: ignore[arg-type]
    return (
        f"{a} and {b} interact: the effect of {b}: {y} versus {b0} is {way} by "
        f"{phrases.effect(contrast, unit)} with {a}: {x} than with {a0}{sign}"
    )

"""The clauses on two factors: main effects, then the interaction and its sign on log odds."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.factors import Factors, factors
from ablab.report.analysis.findings import Findings
from ablab.report.formatting import MOST_LISTED, Unit, listed
from ablab.report.kinds.kind import Kind
from ablab.report.text import phrases
from ablab.tracking.spec import Spec


class TwoFactors(Kind):
    """The effects of two factors over a grid; its variants are described, not tested."""

    tests_variants = False
    each = "effect"

    def factors(self, whole: Comparison, spec: Spec) -> Factors | None:
        """Return the effects; None where the variants are no grid of two axes."""
        return factors(whole, spec)

    def why_none(self, found: Findings) -> str:
        """Return that there is no grid."""
        return "" if found.factors else "No verdict: the variants are not a grid of two axes"

    def clauses(self, found: Findings) -> list[str]:
        """Return what each factor does on average, and whether they interact."""
        effects, comparison = found.factors, found.decisive
        assert effects is not None
        metric, unit = comparison.metric.replace("/", " "), comparison.unit
        mains = [c for c in effects.effects if None in effects.places[c.variant]]
        others = [c for c in effects.effects if None not in effects.places[c.variant]]
        clauses = _few([_main(c, effects, metric, unit) for c in mains if c.result != "open"])
        clauses += _few([_interaction(c, effects, unit) for c in others if c.result != "open"])
        open_mains = [c for c in mains if c.result == "open"]
        open_others = [c for c in others if c.result == "open"]
        if open_mains:
            told = listed([_range(c, effects, unit) for c in open_mains])
            clauses.append(f"no difference on average was detected between {told}")
        if open_others:
            clauses.append(f"no interaction was detected of {phrases.ranges(open_others, unit)}")
        return clauses + phrases.findable([*open_mains, *open_others], unit, "effect")


def _few(clauses: list[str]) -> list[str]:
    """Return the clauses, of many only the first, and how many more there are."""
    if len(clauses) <= MOST_LISTED:
        return clauses
    more = len(clauses) - MOST_LISTED + 1
    return [*clauses[: MOST_LISTED - 1], f"and {more} more such effects were found"]


def _axis(contrast: Contrast, factors: Factors) -> int:
    """Return which of the two axes a main effect is of."""
    return 0 if factors.places[contrast.variant][0] is not None else 1


def _main(contrast: Contrast, factors: Factors, metric: str, unit: Unit) -> str:
    axis = _axis(contrast, factors)
    does = "raises" if contrast.mean > 0 else "lowers"
    return (
        f"{contrast.variant} {does} {metric} by {phrases.effect(contrast, unit)} against "
        f"{contrast.reference}, averaged over {factors.names[1 - axis]}"
    )


def _range(contrast: Contrast, factors: Factors, unit: Unit) -> str:
    axis = _axis(contrast, factors)
    return f"{contrast.variant} and {factors.levels[axis][0]} ({phrases.bounds(contrast, unit)})"


def _interaction(contrast: Contrast, factors: Factors, unit: Unit) -> str:
    x, y = factors.places[contrast.variant]
    (a, b), ((a0, *_), (b0, *_)) = factors.names, factors.levels
    way = "higher" if contrast.mean > 0 else "lower"
    sign = {
        True: ", and the sign is the same on log odds",
        False: ", but on log odds the sign is not the same: near the ceiling such an interaction "
        "can come from the scale alone",
    }.get(factors.signs.get(contrast.variant), "")  # type: ignore[arg-type]
    return (
        f"{a} and {b} interact: the effect of {b}: {y} against {b0} is {way} by "
        f"{phrases.effect(contrast, unit)} with {a}: {x} than with {a0}{sign}"
    )

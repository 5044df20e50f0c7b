"""The parts of a verdict's sentence: an effect, what was not detected, what to hold against it."""

import math
from collections.abc import Sequence

from ablab.report.comparison import Comparison
from ablab.report.contrast import Contrast
from ablab.report.unit import Unit, p_value, series


def effect(contrast: Contrast, unit: Unit) -> str:
    """Return a difference that was found: ``1.20 points (95 % CI 0.70 to 1.70, …)``."""
    p = f"Holm p {p_value(contrast.p_holm)}"
    interval = contrast.step_interval
    if interval is None:
        return f"{unit.size(contrast.mean)} (the same on every seed, {p}, n = {contrast.n})"
    if contrast.mean < 0:
        interval = (-interval[1], -interval[0])
    name = "95 % CI" if contrast.m == 1 else "Holm-adjusted 95 % CI"
    return f"{unit.size(contrast.mean)} ({name} {unit.interval(interval)}, {p}, n = {contrast.n})"


def ranges(contrasts: Sequence[Contrast], unit: Unit) -> str:
    """Return variants of which no difference was detected, each with what it may still be."""
    return series([f"{c.variant} ({_range(c, unit)})" for c in contrasts])


def findable(contrasts: Sequence[Contrast], unit: Unit) -> list[str]:
    """Return the clause on the differences that would have been found, if that is known."""
    seen = [c.detectable for c in contrasts if not math.isnan(c.detectable)]
    if not seen:
        return []
    low, high = unit.size(min(seen)), unit.size(max(seen))
    sizes = high if low == high else f"{unit.bare(min(seen))} to {high}, by variant,"
    return [f"about {sizes} would be found 4 times in 5"]


def _range(contrast: Contrast, unit: Unit) -> str:
    interval = contrast.step_interval
    if interval is not None:
        return unit.interval(interval) + unit.points
    if contrast.n == 0:
        return "no pair of trials is left"
    if contrast.n < 3:
        return f"{differences(contrast, unit)}, too few to test"
    return f"{unit.bare(contrast.mean, signed=True)}{unit.points} on every seed"


def differences(contrast: Contrast, unit: Unit) -> str:
    """Return the differences of one or two seeds: ``+0.20 and -0.10 points``."""
    return series([unit.bare(d, signed=True) for d in contrast.differences]) + unit.points


def too_few(comparison: Comparison) -> tuple[str, ...]:
    """Return what may be said of fewer than three pairs: the numbers."""
    n = max(c.n for c in comparison.family)
    unit = comparison.unit
    told = [
        f"{c.variant} {differences(c, unit)}" for c in comparison.against_reference.values() if c.n
    ]
    clauses = [f"No verdict from n = {n}: a test needs three seeds or more"]
    if told:
        clauses.append(f"the differences to {comparison.reference} were {', '.join(told)}")
    return (*clauses, *caveats(comparison))


def caveats(comparison: Comparison) -> list[str]:
    """Return the clauses on diverged trials and on pairs that are missing."""
    groups, unit = comparison.groups.values(), comparison.unit
    clauses = []
    diverged = {g.variant: g for g in groups if g.count("diverged")}
    if diverged:
        counts = [f"{g.count('diverged')} of {len(g.rows)} of {v}" for v, g in diverged.items()]
        clauses.append(
            f"trials diverged and are counted ({', '.join(counts)}), so the intervals that they "
            "enter are unreliable"
        )
        told = _converged(comparison, set(diverged), unit)
        if told:
            clauses.append(f"among the converged trials alone the difference is {told}")
    missing = [c for c in comparison.against_reference.values() if c.left_out]
    if missing:
        pairs = series([f"{c.left_out} of {c.variant}" for c in missing])
        clauses.append(f"pairs left out because a trial has no result: {pairs}")
    return clauses


def _converged(comparison: Comparison, diverged: set[str], unit: Unit) -> str:
    contrasts = comparison.against_reference.values()
    return series(
        [
            f"{unit.bare(float(c.converged.mean()), signed=True)}{unit.points} for {c.variant} "
            f"(n = {c.converged.size})"
            if c.converged.size
            else f"not known for {c.variant}"
            for c in contrasts
            if {c.variant, c.reference} & diverged
        ]
    )

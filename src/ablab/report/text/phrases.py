"""The parts of a verdict's sentence: an effect, what was not detected, what to hold against it."""

import math
from collections.abc import Callable, Sequence

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.findings import Findings
from ablab.report.analysis.trials import Row
from ablab.report.formatting import Unit, listed, p_value


def effect(contrast: Contrast, unit: Unit) -> str:
    """Return a difference that was found: ``1.20 points (95 % CI 0.70 to 1.70, …)``.

    The interval is that of the contrast's own Holm step, so that it cannot contradict p.
    """
    p, interval = f"Holm p {p_value(contrast.p_holm)}", contrast.step_interval
    if interval is not None and contrast.mean < 0:
        interval = (-interval[1], -interval[0])
    return f"{unit.size(contrast.mean)} ({evidence(contrast, interval, p, unit)})"


def evidence(contrast: Contrast, interval: tuple[float, float] | None, p: str, unit: Unit) -> str:
    """Return what a difference rests on: ``95 % CI 0.70 to 1.70, Holm p 0.003, n = 5``."""
    mark = ", unreliable" if contrast.is_unreliable else ""
    if interval is None:
        return f"the same on every seed{mark}, {p}, n = {contrast.n}"
    name = "95 % CI" if contrast.m == 1 else "Holm-adjusted 95 % CI"
    return f"{name} {unit.interval(interval)}{mark}, {p}, n = {contrast.n}"


def ranges(contrasts: Sequence[Contrast], unit: Unit) -> str:
    """Return variants of which no difference was detected, each with what it may still be."""
    return listed([f"{c.variant} ({bounds(c, unit)})" for c in contrasts])


def findable(contrasts: Sequence[Contrast], unit: Unit, each: str = "variant") -> list[str]:
    """Return the clause on the differences that would have been found, if that is known."""
    sizes = span([c.minimum_detectable_difference for c in contrasts], unit, each)
    return [f"about {sizes} would be found 4 times in 5"] if sizes else []


def span(sizes: Sequence[float], unit: Unit, each: str = "variant") -> str:
    """Return from which size to which they are; empty where none is known."""
    seen = [size for size in sizes if not math.isnan(size)]
    if not seen:
        return ""
    low, high = unit.size(min(seen)), unit.size(max(seen))
    return high if low == high else f"{unit.bare(min(seen))} to {high}, by {each},"


def bounds(contrast: Contrast, unit: Unit) -> str:
    """Return where a difference that was not detected may lie, or why that is not known."""
    interval, mark = contrast.step_interval, ", unreliable" if contrast.is_unreliable else ""
    if any(contrast.uncounted):
        mark += ", among the trials that count alone"
    if interval is not None:
        return unit.interval(interval) + unit.points + mark
    if contrast.n == 0:
        return "no pair of trials is left"
    if contrast.n < 3:
        return f"{differences(contrast, unit)}, too few to test"
    return f"{unit.bare(contrast.mean, signed=True)}{unit.points} on every seed{mark}"


def differences(contrast: Contrast, unit: Unit) -> str:
    """Return the differences of one or two seeds: ``+0.20 and -0.10 points``."""
    return listed([unit.bare(d, signed=True) for d in contrast.differences]) + unit.points


def too_few(found: Findings) -> list[str]:
    """Return what may be said of fewer than three pairs: the numbers."""
    n, unit = max(c.n for c in found.family), found.decisive.unit
    told = [f"{c.variant} {differences(c, unit)}" for c in found.deciding if c.n]
    clauses = [f"No verdict from n = {n}: a test needs three seeds or more"]
    if told:
        to = "" if found.factors else f" to {found.decisive.reference}"
        clauses.append(f"the differences{to} were {', '.join(told)}")
    return clauses


def caveats(comparison: Comparison, contrasts: Sequence[Contrast]) -> list[str]:
    """Return the clauses on diverged trials and on pairs that are missing.

    Args:
        comparison: whose trials they are.
        contrasts: those that are told of.
    """
    unit, clauses = comparison.unit, []
    diverged = _counted(comparison, lambda row: row.outcome == "diverged" and row.counts)
    if diverged:
        clauses.append(
            f"trials diverged and are counted ({diverged}), so the intervals that they enter are "
            "unreliable"
        )
        told = listed([_with_and_without(c, unit) for c in contrasts if c.is_unreliable])
        if told:
            clauses.append(f"among the converged trials alone the difference is {told}")
    lost = _counted(comparison, lambda row: row.outcome == "diverged" and not row.counts)
    if lost:
        clauses.append(f"trials diverged and have no {comparison.metric} to count ({lost})")
    missing = [c for c in contrasts if c.left_out]
    if missing:
        pairs = listed([f"{c.left_out} of {c.variant}" for c in missing])
        clauses.append(f"pairs left out because a trial has no result: {pairs}")
    return clauses


def _counted(comparison: Comparison, wanted: Callable[[Row], bool]) -> str:
    counts = {g.variant: sum(map(wanted, g.rows)) for g in comparison.groups.values()}
    sizes = {g.variant: len(g.rows) for g in comparison.groups.values()}
    return listed([f"{n} of {sizes[v]} of {v}" for v, n in counts.items() if n])


def _with_and_without(contrast: Contrast, unit: Unit) -> str:
    primary = f"{unit.bare(contrast.mean, signed=True)} with all {contrast.n}"
    if not contrast.converged.size:
        return f"not known for {contrast.variant} ({primary})"
    alone = f"{unit.bare(float(contrast.converged.mean()), signed=True)}{unit.points}"
    return f"{alone} for {contrast.variant} (n = {contrast.converged.size}; {primary})"


def untested(contrasts: Sequence[Contrast], unit: Unit) -> list[str]:
    """Return the clause on variants that have too few pairs to test."""
    if not contrasts:
        return []
    return [f"nothing can be said of {ranges(contrasts, unit)}"]


def by_result(contrasts: Sequence[Contrast]) -> dict[str, list[Contrast]]:
    """Return the contrasts with the reference by result, the largest difference first."""
    found: dict[str, list[Contrast]] = {"ahead": [], "behind": [], "open": [], "untested": []}
    for contrast in contrasts:
        found[contrast.result if contrast.n > 2 else "untested"].append(contrast)
    for name in ("ahead", "behind"):
        found[name].sort(key=lambda c: -abs(c.mean))
    return found

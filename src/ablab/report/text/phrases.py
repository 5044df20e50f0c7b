"""Phrases of a verdict: effects, intervals, detectable differences, caveats."""

from collections.abc import Callable, Sequence

from ablab.formatting import Unit, format_p_value, join_words
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.trials import Row


def effect(contrast: Contrast, unit: Unit) -> str:
    """Return a detected difference: ``1.20 points (95 % CI 0.70 to 1.70, …)``.

    The interval is that of the contrast's own Holm step, so that it cannot contradict p.
    """
    p, interval = f"Holm p {format_p_value(contrast.p_holm)}", contrast.step_interval
    if interval is not None and contrast.mean < 0:
        interval = (-interval[1], -interval[0])
    return f"{unit.size(contrast.mean)} ({evidence(contrast, interval, p, unit)})"


def evidence(contrast: Contrast, interval: tuple[float, float] | None, p: str, unit: Unit) -> str:
    """Return interval, p and n of a difference: ``95 % CI 0.70 to 1.70, Holm p 0.003, n = 5``."""
    if interval is None:
        return f"the same on every seed{mark(contrast)}, {p}, n = {contrast.n}"
    name = interval_name(contrast)
    return f"{name} {unit.interval(interval)}{mark(contrast)}, {p}, n = {contrast.n}"


def interval_name(contrast: Contrast, percent: int = 95) -> str:
    """Return what the interval at a contrast's Holm step is called; alone it is not adjusted.

    An interval that is adjusted for several looks is a repeated one.
    """
    adjusted = "" if contrast.m == 1 else "Holm-adjusted "
    return f"{adjusted}{percent} % {'' if contrast.look.is_only else 'repeated '}CI"


def mark(contrast: Contrast) -> str:
    """Return ``, unreliable`` where a diverged trial counts in the interval, else nothing."""
    return ", unreliable" if contrast.is_unreliable else ""


def notes(contrast: Contrast) -> str:
    """Return the mark, and whether diverged trials without a value are not counted."""
    return mark(contrast) + (", counted trials only" if any(contrast.uncounted) else "")


def ranges(
    contrasts: Sequence[Contrast],
    unit: Unit,
    name: Callable[[Contrast], str] = lambda contrast: contrast.variant,
) -> str:
    """Return contrasts without a detected difference, each with its interval.

    The first interval is labeled, for all of them.

    Args:
        contrasts: of one family.
        unit: of the metric.
        name: what a contrast is called; by default its variant.
    """
    first = next((c for c in contrasts if c.step_interval is not None), None)
    return join_words([f"{name(c)} ({bounds(c, unit, labeled=c is first)})" for c in contrasts])


def bounds(contrast: Contrast, unit: Unit, *, labeled: bool = False) -> str:
    """Return the interval of a difference that was not detected, or why there is none."""
    interval = contrast.step_interval
    if interval is not None:
        label = f"{interval_name(contrast)} " if labeled else ""
        return f"{label}{unit.interval(interval)}{unit.points}{notes(contrast)}"
    if contrast.n == 0:
        return "no pair of trials is left"
    if contrast.n < 3:
        return f"{differences(contrast, unit)}, too few to test"
    return f"{unit.bare(contrast.mean, signed=True)}{unit.points} on every seed{notes(contrast)}"


def minimum_detectable_difference(
    contrasts: Sequence[Contrast], unit: Unit, each: str = "variant"
) -> list[str]:
    """Return the clause on the minimum detectable difference, none where it is not known."""
    sizes = unit.span([c.minimum_detectable_difference for c in contrasts], each)
    return [f"minimum detectable difference: about {sizes} (80 % power)"] if sizes else []


def differences(contrast: Contrast, unit: Unit) -> str:
    """Return the differences of one or two seeds: ``+0.20 and -0.10 points``."""
    return join_words([unit.bare(d, signed=True) for d in contrast.differences]) + unit.points


def too_few(comparison: Comparison) -> list[str]:
    """Return the clauses for fewer than three pairs: the differences, without a test."""
    n, unit = max(c.n for c in comparison.tested), comparison.unit
    texts = [f"{c.variant} {differences(c, unit)}" for c in comparison.deciding if c.n]
    clauses = [f"No verdict from n = {n}: a test needs at least three seeds"]
    if texts:
        what = "effects" if comparison.factors else f"differences from {comparison.reference}"
        clauses.append(f"the {what} are {', '.join(texts)}")
    return clauses


def caveats(comparison: Comparison, contrasts: Sequence[Contrast]) -> list[str]:
    """Return the clauses on diverged trials and on missing pairs.

    Args:
        comparison: the comparison of these trials.
        contrasts: those that the sentence reports.
    """
    unit, clauses = comparison.unit, []
    diverged = _shares(comparison, lambda row: row.outcome == "diverged" and row.counts)
    if diverged:
        clauses.append(
            f"diverged trials are counted for {diverged}, so intervals that include them are "
            "unreliable"
        )
        converged = join_words([_converged(c, unit) for c in contrasts if c.is_unreliable])
        if converged:
            clauses.append(f"with converged trials only, the difference is {converged}")
    lost = _shares(comparison, lambda row: row.outcome == "diverged" and not row.counts)
    if lost:
        clauses.append(
            f"diverged trials without a value of {comparison.metric} are not counted for {lost}"
        )
    missing = [c for c in contrasts if c.left_out]
    if missing:
        pairs = join_words([f"{c.variant} ({c.left_out})" for c in missing])
        clauses.append(f"pairs left out because a trial has no result: {pairs}")
    return clauses


def _shares(comparison: Comparison, wanted: Callable[[Row], bool]) -> str:
    """Return the variants that have such trials, with how many: ``elu (1 of 5)``."""
    counts = {g.variant: sum(map(wanted, g.rows)) for g in comparison.groups.values()}
    sizes = {g.variant: len(g.rows) for g in comparison.groups.values()}
    return join_words([f"{v} ({n} of {sizes[v]})" for v, n in counts.items() if n])


def _converged(contrast: Contrast, unit: Unit) -> str:
    """Return the difference of converged trials beside that of all."""
    primary = f"{unit.bare(contrast.mean, signed=True)} with all {contrast.n}"
    if not contrast.converged.size:
        return f"not known for {contrast.variant} ({primary})"
    alone = f"{unit.bare(float(contrast.converged.mean()), signed=True)}{unit.points}"
    return f"{alone} for {contrast.variant} (n = {contrast.converged.size}; {primary})"


def untested(contrasts: Sequence[Contrast], unit: Unit) -> list[str]:
    """Return the clause on variants that have too few pairs to test, none for no variant."""
    if not contrasts:
        return []
    return [f"not tested: {ranges(contrasts, unit)}"]


def by_result(contrasts: Sequence[Contrast]) -> dict[str, list[Contrast]]:
    """Return the contrasts with the reference by result, the largest difference first."""
    results: dict[str, list[Contrast]] = {"ahead": [], "behind": [], "open": [], "untested": []}
    for contrast in contrasts:
        results[contrast.result if contrast.n > 2 else "untested"].append(contrast)
    for name in ("ahead", "behind"):
        results[name].sort(key=lambda c: -abs(c.mean))
    return results

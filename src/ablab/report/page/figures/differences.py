"""Paired differences, one row per variant."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.formatting import Unit, format_number, join_words
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.kinds import kind_of
from ablab.report.page.figures.svg import INK, MUTED, SERIES, grid, new_figure, short, style, to_svg

Bounds = tuple[float, float] | None

MOST_DOTS = 50
MARKS = {"ahead": "^", "behind": "v", "open": "D", "equivalent": "s", "different": "X"}


def differences_figure(
    comparison: Comparison,
    contrasts: Mapping[str, Contrast],
    name: str,
    *,
    tested: bool,
    what: str = "",
) -> str:
    """Return paired differences: a dot per seed, the mean, its interval.

    Empty if there is no difference.

    Args:
        comparison: the comparison of the contrasts.
        contrasts: those to draw, by variant.
        name: the prefix of its ids, unique on the page.
        tested: whether marks may show results of tests.
        what: the name of the axis; by default ``difference from`` the reference.
    """
    contrasts = {variant: contrast for variant, contrast in contrasts.items() if contrast.n}
    if not contrasts:
        return ""
    with style():
        figure, axes = _draw_differences(comparison.unit, contrasts, tested=tested)
        what = what or f"difference from {short(str(comparison.reference))}"
        axes.set_xlabel(comparison.unit.difference_axis(what))
        return to_svg(figure, name, _label(comparison, contrasts, tested=tested))


def describe_intervals(contrasts: Iterable[Contrast], *, tested: bool) -> str:
    """Return what the bars are, for a caption: to follow ``the solid mark is their mean,``."""
    testable = [c for c in contrasts if c.n > 2]
    if tested and any(c.equivalence for c in testable):
        return (
            "the thick bar is the Holm-adjusted interval of the equivalence test (90 % for a "
            "single contrast), the thin line that of the test of a difference (95 % for a single "
            "contrast). A variant is equivalent if the bar lies within the margin, and different "
            "if the line lies beyond it"
        )
    if tested and any(c.m > 1 for c in testable):
        return (
            "the thick bar is the 95 % interval of this comparison alone, the thin line the "
            "Holm-adjusted interval, which decides: it contains 0 if no difference was detected"
        )
    return "the bar is its 95 % interval, for this comparison alone"


def _intervals(contrast: Contrast, *, tested: bool) -> tuple[Bounds, Bounds]:
    """Return the thick bar and the thin line, each None where there is none."""
    equivalence = contrast.equivalence
    if tested and equivalence:
        return equivalence.step_interval, equivalence.outside_interval
    return contrast.interval, contrast.step_interval if tested and contrast.m > 1 else None


def result_of(contrast: Contrast) -> str:
    """Return the result of a contrast's test, a key of `MARKS`."""
    if contrast.equivalence is None:
        return contrast.result
    result = contrast.equivalence.result
    return result if result in MARKS else "open"


def _label(comparison: Comparison, contrasts: Mapping[str, Contrast], *, tested: bool) -> str:
    unit = comparison.unit
    texts = [_describe(contrast, unit, tested=tested) for contrast in contrasts.values()]
    reference = f" from {comparison.reference}" if kind_of(comparison.kind).tests_variants else ""
    return f"Paired differences of {comparison.metric}{reference}: {join_words(texts)}"


def _describe(contrast: Contrast, unit: Unit, *, tested: bool) -> str:
    bar, line = _intervals(contrast, tested=tested)
    decides = bar if contrast.equivalence and tested else line or bar
    interval = f" ({unit.interval(decides)})" if decides else ""
    return f"{contrast.variant} {unit.bare(contrast.mean, signed=True)}{unit.points}{interval}"


def _draw_differences(
    unit: Unit, contrasts: Mapping[str, Contrast], *, tested: bool
) -> tuple[Figure, Axes]:
    figure, axes = new_figure(0.62 + 0.36 * len(contrasts))
    limits = _limits(list(contrasts.values()), unit, tested=tested)
    for index, contrast in enumerate(contrasts.values()):
        _draw_contrast(axes, -index, contrast, unit, tested=tested)
        _point_outside(axes, -index, contrast.mean * unit.scale, limits)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    _draw_margin(axes, contrasts, unit)
    axes.set_yticks([-i for i in range(len(contrasts))], [short(v) for v in contrasts])
    axes.set_ylim(-len(contrasts) + 0.4, 0.6)
    axes.set_xlim(limits)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=11)
    grid(axes, "x")
    return figure, axes


def _limits(contrasts: list[Contrast], unit: Unit, *, tested: bool) -> tuple[float, float]:
    """Return the limits of the axis, without diverged trials and intervals that include them."""
    shown = [np.zeros(1)]
    for contrast in contrasts:
        shown.append(contrast.converged)
        if contrast.converged.size == contrast.n:
            shown += [np.array(bounds or ()) for bounds in _intervals(contrast, tested=tested)]
        if contrast.equivalence:
            shown.append(contrast.equivalence.margin * np.array([-1.0, 1.0]))
    values = np.concatenate(shown) * unit.scale
    if not values.any():
        values = np.concatenate([c.differences for c in contrasts] + shown[:1]) * unit.scale
    margin = 0.06 * (float(np.ptp(values)) or 1.0)
    return float(values.min()) - margin, float(values.max()) + margin


def _draw_margin(axes: Axes, contrasts: Mapping[str, Contrast], unit: Unit) -> None:
    """Shade the margin of equivalence, if there is one."""
    margins = {c.equivalence.margin for c in contrasts.values() if c.equivalence}
    for margin in margins:
        width = margin * unit.scale
        axes.axvspan(-width, width, color=MUTED, alpha=0.13, linewidth=0, zorder=0)
        for edge in (-width, width):
            axes.axvline(edge, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)


def _point_outside(axes: Axes, y: float, mean: float, limits: tuple[float, float]) -> None:
    """Write the value of a mean outside the axis at its edge."""
    if limits[0] <= mean <= limits[1]:
        return
    left = mean < limits[0]
    text = f"◂ {format_number(mean, 2)}" if left else f"{format_number(mean, 2)} ▸"
    edge, side = (limits[0], "left") if left else (limits[1], "right")
    axes.text(edge, y + 0.14, text, ha=side, va="bottom", fontsize=10, color=INK)


def _draw_contrast(axes: Axes, y: float, contrast: Contrast, unit: Unit, *, tested: bool) -> None:
    result = result_of(contrast) if tested else "open"
    values = contrast.differences * unit.scale
    if values.size <= MOST_DOTS:
        spread = np.linspace(0.06, -0.06, values.size) if values.size > 1 else np.zeros(1)
        axes.plot(values, y - 0.2 + spread, "o", ms=3.2, mfc="none", mec=MUTED, mew=0.9)
    color = {"ahead": SERIES[0], "equivalent": SERIES[0], "open": INK}.get(result, SERIES[1])
    for bounds, width in zip(_intervals(contrast, tested=tested), (2.6, 0.9), strict=True):
        if bounds is not None:
            ends = [bound * unit.scale for bound in bounds]
            axes.plot(ends, [y + 0.06] * 2, color=color, lw=width, solid_capstyle="butt")
    if not math.isnan(contrast.mean):
        axes.plot(contrast.mean * unit.scale, y + 0.06, MARKS[result], color=color, ms=6.5)

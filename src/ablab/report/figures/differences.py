"""The paired differences, a row a variant."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.report.comparison import Comparison
from ablab.report.contrast import Contrast
from ablab.report.figures.canvas import INK, MUTED, SERIES, canvas, short, style, to_svg
from ablab.report.unit import Unit, number


def differences_figure(comparison: Comparison, name: str, *, tested: bool) -> str:
    """Return the paired differences to the reference: a dot a seed, the mean, its interval.

    Empty where there is no difference to show.

    Args:
        comparison: the block's.
        name: what its ids begin with, to be unique on the page.
        tested: whether marks may tell what was found.
    """
    contrasts = {v: c for v, c in comparison.against_reference.items() if c.n}
    if not contrasts:
        return ""
    with style():
        figure = _draw_differences(comparison, contrasts, tested=tested)
        what = f"Paired differences of {comparison.metric} to {comparison.reference}"
        return to_svg(figure, name, what)


def _draw_differences(
    comparison: Comparison, contrasts: Mapping[str, Contrast], *, tested: bool
) -> Figure:
    figure, axes = canvas(0.62 + 0.36 * len(contrasts))
    unit, limits = comparison.unit, _limits(list(contrasts.values()), comparison.unit)
    for place, contrast in enumerate(contrasts.values()):
        _draw_contrast(axes, -place, contrast, unit, contrast.result if tested else "open")
        _point_outside(axes, -place, contrast.mean * unit.scale, limits)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    axes.set_yticks([-i for i in range(len(contrasts))], [short(v) for v in contrasts])
    axes.set_ylim(-len(contrasts) + 0.4, 0.6)
    axes.set_xlim(limits)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=11)
    axes.grid(axis="x", color=MUTED, alpha=0.25, linewidth=0.6)
    axis_unit = f",{unit.points}" if unit.points else ""
    axes.set_xlabel(f"difference to {short(str(comparison.reference))}{axis_unit}")
    return figure


def _limits(contrasts: list[Contrast], unit: Unit) -> tuple[float, float]:
    """Return the axis: all that is drawn, but of diverged trials only what lies near the rest."""
    shown = [np.zeros(1)]
    for contrast in contrasts:
        shown.append(contrast.converged)
        if contrast.converged.size == contrast.n:
            shown.append(np.array(contrast.interval or ()))
    values = np.concatenate(shown) * unit.scale
    if not values.any():
        values = np.concatenate([c.differences for c in contrasts] + shown[:1]) * unit.scale
    margin = 0.06 * (float(np.ptp(values)) or 1.0)
    return float(values.min()) - margin, float(values.max()) + margin


def _point_outside(axes: Axes, y: float, mean: float, limits: tuple[float, float]) -> None:
    """Write a mean that lies beyond the axis at its edge."""
    if limits[0] <= mean <= limits[1]:
        return
    left = mean < limits[0]
    text = f"◂ {number(mean, 2)}" if left else f"{number(mean, 2)} ▸"
    edge, side = (limits[0], "left") if left else (limits[1], "right")
    axes.text(edge, y + 0.14, text, ha=side, va="bottom", fontsize=10, color=INK)


def _draw_contrast(axes: Axes, y: float, contrast: Contrast, unit: Unit, result: str) -> None:
    values = contrast.differences * unit.scale
    spread = np.linspace(0.06, -0.06, values.size) if values.size > 1 else np.zeros(1)
    axes.plot(values, y - 0.2 + spread, "o", ms=3.2, mfc="none", mec=MUTED, mew=0.9)
    color = {"ahead": SERIES[0], "behind": SERIES[1], "open": INK}[result]
    if contrast.interval is not None:
        low, high = (bound * unit.scale for bound in contrast.interval)
        axes.plot([low, high], [y + 0.06] * 2, color=color, lw=2.2, solid_capstyle="butt")
    marker = {"ahead": "^", "behind": "v", "open": "D"}[result]
    axes.plot(contrast.mean * unit.scale, y + 0.06, marker, color=color, ms=6.5)

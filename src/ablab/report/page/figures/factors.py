"""The interaction plot of two factors: a line a level, parallel where nothing interacts."""

import numpy as np
from matplotlib.figure import Figure

from ablab.report.analysis.factors import Factors
from ablab.report.formatting import Unit, series
from ablab.report.page.figures.canvas import (
    canvas,
    grid,
    legend_below,
    legend_height,
    look,
    short,
    style,
    to_svg,
)
from ablab.stats.paired import t_interval


def interaction_figure(factors: Factors, unit: Unit, metric: str, name: str) -> str:
    """Return the means by the first axis, a line a level of the second.

    Args:
        factors: the grid.
        unit: of the metric.
        metric: its name.
        name: what its ids begin with, to be unique on the page.
    """
    if not any(group.n for group in factors.cells.values()):
        return ""
    told = [f"{a} with {b} {unit.value(g.mean)}" for (a, b), g in factors.cells.items() if g.n]
    label = f"Mean {metric} by {factors.names[0]} and {factors.names[1]}: {series(told[:12])}"
    with style():
        return to_svg(_draw(factors, unit, metric), name, label)


def _draw(factors: Factors, unit: Unit, metric: str) -> Figure:
    (first, second), (levels, lines) = factors.names, factors.levels
    figure, axes = canvas(3.2 + legend_height(len(lines)))
    places = np.arange(float(len(levels)))
    for number, level in enumerate(lines):
        drawn, side = look(number), 0.045 * (number - (len(lines) - 1) / 2)
        groups = [factors.cells.get((a, level)) for a in levels]
        means = [unit.scale * g.mean if g else np.nan for g in groups]
        label = f"{second}: {short(level)}"
        axes.plot(places + side, means, **drawn, label=label, markersize=6.5, lw=1.6)
        for x, group in zip(places + side, groups, strict=True):
            interval = t_interval(group.values) if group else None
            if interval:
                ends = [unit.scale * bound for bound in interval]
                axes.plot([x, x], ends, color=drawn["color"], lw=1.2, alpha=0.75)
    axes.set_xticks(places, [short(level) for level in levels])
    axes.set_xlim(-0.35, len(levels) - 0.65)
    axes.set_xlabel(first)
    axes.set_ylabel(metric + (", %" if unit.points else ""))
    grid(axes, "y")
    legend_below(figure, len(lines))
    return figure

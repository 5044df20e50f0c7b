"""The interaction plot of two factors: one line per level, parallel without interaction."""

import numpy as np
from matplotlib.figure import Figure

from ablab.formatting import Unit, join_all
from ablab.report.analysis.comparison import Factors
from ablab.report.page.figures.svg import (
    grid,
    legend_below,
    legend_height,
    line_style,
    new_figure,
    short,
    style,
    to_svg,
)
from ablab.stats.paired import t_interval


def interaction_figure(factors: Factors, unit: Unit, metric: str, name: str) -> str:
    """Return the means by level of the first axis, one line per level of the second.

    Args:
        factors: the grid of cells.
        unit: the unit of the metric.
        metric: the name of the metric.
        name: the prefix of its ids, unique on the page.
    """
    if not any(group.n for group in factors.cells.values()):
        return ""
    means = [f"{a} with {b} {unit.value(g.mean)}" for (a, b), g in factors.cells.items() if g.n]
    label = f"Mean {metric} by {factors.names[0]} and {factors.names[1]}: {join_all(means[:12])}"
    with style():
        return to_svg(_draw(factors, unit, metric), name, label)


def _draw(factors: Factors, unit: Unit, metric: str) -> Figure:
    (first, second), (levels, lines) = factors.names, factors.levels
    figure, axes = new_figure(3.2 + legend_height(len(lines)))
    positions = np.arange(float(len(levels)))
    for number, level in enumerate(lines):
        drawn, offset = line_style(number), 0.045 * (number - (len(lines) - 1) / 2)
        groups = [factors.cells.get((a, level)) for a in levels]
        means = [unit.scale * g.mean if g else np.nan for g in groups]
        label = f"{second}: {short(level)}"
        axes.plot(positions + offset, means, **drawn, label=label, markersize=6.5, lw=1.6)
        for x, group in zip(positions + offset, groups, strict=True):
            interval = t_interval(group.values) if group else None
            if interval:
                ends = [unit.scale * bound for bound in interval]
                axes.plot([x, x], ends, color=drawn["color"], lw=1.2, alpha=0.75)
    axes.set_xticks(positions, [short(level) for level in levels])
    axes.set_xlim(-0.35, len(levels) - 0.65)
    axes.set_xlabel(first)
    axes.set_ylabel(unit.value_axis(metric))
    grid(axes, "y")
    legend_below(figure, len(lines))
    return figure

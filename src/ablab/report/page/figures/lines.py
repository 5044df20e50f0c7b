"""Lines with bands, one per variant, for learning curves and probes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from ablab.report.page.figures.svg import line_style, short
from ablab.stats.paired import Array, t_interval

MOST_POINTS = 60


@dataclass(frozen=True, eq=False)
class Line:
    """The line and band of a variant.

    Attributes:
        variant: its name in the legend.
        index: the index of its style.
        x: (points,).
        mean: (points,), means over seeds.
        bounds: (points, 2), the band.
    """

    variant: str
    index: int
    x: Array
    mean: Array
    bounds: Array


def line(
    variant: str,
    index: int,
    x: Array,
    values: Array,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> Line:
    """Return the line of a variant, reduced to at most `MOST_POINTS` points.

    Args:
        variant: its name.
        index: the index of its style.
        x: (points,).
        values: (seeds, points), NaN where a seed has none.
        limits: the band is clipped to these.
    """
    kept = np.unique(np.linspace(0, x.size - 1, min(x.size, MOST_POINTS)).round().astype(int))
    columns = [column[~np.isnan(column)] for column in values.T[kept]]
    mean = np.array([column.mean() if column.size else math.nan for column in columns])
    bounds = np.array([_band(column) for column in columns]).reshape(-1, 2)
    return Line(variant, index, x[kept], mean, bounds.clip(*limits))


def _band(column: Array) -> tuple[float, float]:
    """Return the 95 % t interval for at least three seeds, else the range."""
    if not column.size:
        return math.nan, math.nan
    return t_interval(column) or (float(column.min()), float(column.max()))


def draw_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Draw the lines, each in its own style, with a few markers."""
    for shown in lines:
        style, every = line_style(shown.index), max(1, shown.x.size // 8)
        axes.fill_between(shown.x, *shown.bounds.T, color=style["color"], alpha=0.15, linewidth=0)
        (drawn,) = axes.plot(shown.x, shown.mean, label=short(shown.variant), lw=1.6, **style)
        drawn.set(markersize=4.5, markevery=(0, every))

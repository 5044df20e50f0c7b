"""Lines with bands, one a variant: what learning curves and probes are drawn as."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from ablab.report.page.figures.canvas import look, short
from ablab.stats.paired import Array, t_interval

MOST_POINTS = 60


@dataclass(frozen=True, eq=False)
class Line:
    """A variant's line.

    Attributes:
        variant: what the legend calls it.
        place: which look it has.
        x: (points,).
        mean: (points,) means over seeds.
        bounds: (points, 2), the band.
    """

    variant: str
    place: int
    x: Array
    mean: Array
    bounds: Array


def line(
    variant: str,
    place: int,
    x: Array,
    values: Array,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> Line:
    """Return the line of a variant, thinned to what a picture can show.

    Args:
        variant: its name.
        place: which look it has.
        x: (points,).
        values: (seeds, points), NaN where a seed has none.
        limits: between which the band can lie.
    """
    kept = np.unique(np.linspace(0, x.size - 1, min(x.size, MOST_POINTS)).round().astype(int))
    columns = [column[~np.isnan(column)] for column in values.T[kept]]
    mean = np.array([column.mean() if column.size else math.nan for column in columns])
    bounds = np.array([_band(column) for column in columns]).reshape(-1, 2)
    return Line(variant, place, x[kept], mean, bounds.clip(*limits))


def _band(column: Array) -> tuple[float, float]:
    """Return the t interval from three seeds on, else the range."""
    if not column.size:
        return math.nan, math.nan
    return t_interval(column) or (float(column.min()), float(column.max()))


def draw_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Draw them, each in its own look, with a few markers."""
    for shown in lines:
        style, every = look(shown.place), max(1, shown.x.size // 8)
        axes.fill_between(shown.x, *shown.bounds.T, color=style["color"], alpha=0.15, linewidth=0)
        (drawn,) = axes.plot(shown.x, shown.mean, label=short(shown.variant), lw=1.6, **style)
        drawn.set(markersize=4.5, markevery=(0, every))

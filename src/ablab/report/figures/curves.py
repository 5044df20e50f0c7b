"""The learning curves, a line and a band a variant."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.report.comparison import Comparison
from ablab.report.figures.canvas import MUTED, SERIES, canvas, short, style, to_svg
from ablab.report.statistics import Array, t_interval

DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (9, 2)),
)
MARKERS = "os^Dvp*"


def curves_figure(comparison: Comparison, name: str) -> str:
    """Return validation accuracy against epochs: the mean over seeds in a band.

    Empty where no trial has a curve.

    Args:
        comparison: the block's.
        name: what its ids begin with, to be unique on the page.
    """
    curves = _curves(comparison)
    if not curves:
        return ""
    with style():
        return to_svg(_draw_curves(curves), name, "Validation accuracy by epoch, a line a variant")


def _draw_curves(curves: Mapping[str, Array]) -> Figure:
    figure, axes = canvas(3.5 + 0.2 * math.ceil(len(curves) / 3))
    for place, (variant, values) in enumerate(curves.items()):
        _draw_curve(axes, place, short(variant), values)
    axes.set_ylim(bottom=_floor(curves), top=min(axes.get_ylim()[1], 100.0))
    axes.grid(color=MUTED, alpha=0.25, linewidth=0.6)
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation accuracy, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(
        loc="outside lower center", ncols=min(3, len(curves)), frameon=False, handlelength=3
    )
    return figure


def _curves(comparison: Comparison) -> dict[str, Array]:
    """Return for each variant its curves in per cent, (seeds, epochs), NaN after an early end."""
    found = {}
    for variant, group in comparison.groups.items():
        curves = [row.curve for row in group.rows if not np.isnan(row.curve).all()]
        if curves:
            found[variant] = np.full((len(curves), max(map(len, curves))), np.nan)
            for line, curve in zip(found[variant], curves, strict=True):
                line[: len(curve)] = 100 * np.array(curve)
    return found


def _draw_curve(axes: Axes, place: int, label: str, values: Array) -> None:
    epochs = np.arange(1, values.shape[1] + 1)
    columns = [column[~np.isnan(column)] for column in values.T]
    mean = [column.mean() if column.size else math.nan for column in columns]
    bounds = np.array([_band(column) for column in columns])
    color, every = SERIES[place % len(SERIES)], max(1, len(epochs) // 8)
    axes.fill_between(epochs, bounds[:, 0], bounds[:, 1], color=color, alpha=0.15, linewidth=0)
    dashes, marker = DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)]
    (line,) = axes.plot(epochs, mean, color=color, label=label, lw=1.6, ls=dashes)
    line.set(marker=marker, markersize=4.5, markevery=(0, every))


def _band(column: Array) -> tuple[float, float]:
    """Return the t interval from three seeds on, else the range."""
    if not column.size:
        return math.nan, math.nan
    low, high = t_interval(column) or (column.min(), column.max())
    return max(low, 0.0), min(high, 100.0)


def _floor(curves: Mapping[str, Array]) -> float | None:
    """Return where the accuracy axis begins: below the slowest variant after a quarter."""
    slowest = min(float(np.nanmin(v[:, v.shape[1] // 4 :])) for v in curves.values())
    lowest = min(float(np.nanmin(v)) for v in curves.values())
    start = max(slowest - 0.15 * (100 - slowest), 0.0)
    return start if start > lowest else None

"""The learning curves, a line and a band a variant, against epochs or seconds."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.report.contrast import Group
from ablab.report.figures.canvas import canvas, grid, legend_below, legend_height, style, to_svg
from ablab.report.figures.lines import Line, draw_lines, line
from ablab.report.statistics import Array
from ablab.report.table import Row
from ablab.report.unit import Unit, series

Against = Literal["epochs", "seconds"]


def curves_figure(
    groups: Mapping[str, Group], name: str, unit: Unit, against: Against = "epochs"
) -> str:
    """Return what validation showed, by epoch or by seconds of training.

    Accuracy where the unit is that of one, else loss. Empty where no trial has a curve.

    Args:
        groups: by variant, those to draw.
        name: what its ids begin with, to be unique on the page.
        unit: of the sweep's metric.
        against: the axis to the right; seconds are the means over seeds at an epoch's end.
    """
    lines = [
        made
        for place, group in enumerate(groups.values())
        if (made := _line(group, place, unit, against))
    ]
    if not lines:
        return ""
    with style():
        return to_svg(_draw(lines, unit, against), name, _label(lines, unit, against))


def _line(group: Group, place: int, unit: Unit, against: Against) -> Line | None:
    rows = [row for row in group.rows if not np.isnan(_curve(row, unit)).all()]
    if not rows:
        return None
    values = unit.scale * _padded([_curve(row, unit) for row in rows])
    limits = (0.0, 100.0) if unit.points else (0.0, math.inf)
    x = np.arange(1.0, values.shape[1] + 1)
    if against == "seconds":
        seconds = _padded([row.seconds for row in rows])
        known = ~np.isnan(seconds).all(axis=0)
        if not known.any():
            return None
        x, values = np.nanmean(seconds[:, known], axis=0), values[:, : known.size][:, known]
    return line(group.variant, place, x, values, limits)


def _curve(row: Row, unit: Unit) -> Array:
    return np.array(row.curve if unit.points else row.losses, dtype=np.float64)


def _padded(curves: Sequence[Sequence[float] | Array]) -> Array:
    """Return curves as one array (seeds, epochs), NaN after an early end."""
    found = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(found, curves, strict=True):
        row[: len(curve)] = curve
    return found


def _draw(lines: Sequence[Line], unit: Unit, against: Against) -> Figure:
    figure, axes = canvas(3.3 + legend_height(len(lines)))
    draw_lines(axes, lines)
    if unit.points:
        axes.set_ylim(bottom=_floor(lines), top=min(axes.get_ylim()[1], 100.0))
    else:
        axes.set_ylim(bottom=0.0, top=_ceiling(lines))
    grid(axes)
    if against == "epochs":
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_xlabel("seconds of training, evaluation left out")
        axes.set_xlim(left=0.0)
    axes.set_ylabel("validation accuracy, %" if unit.points else "validation loss")
    legend_below(figure, len(lines))
    return figure


def _floor(lines: Sequence[Line]) -> float | None:
    """Return where the accuracy axis begins: below the slowest variant after a quarter."""
    slowest = min(_least(shown.bounds[len(shown.x) // 4 :]) for shown in lines)
    lowest = min(_least(shown.bounds) for shown in lines)
    start = max(slowest - 0.15 * (100 - slowest), 0.0)
    return start if start > lowest else None


def _ceiling(lines: Sequence[Line]) -> float | None:
    """Return where the axis of losses ends: above the slowest variant after a quarter."""
    slowest = max(float(np.nanmax(shown.mean[len(shown.x) // 4 :])) for shown in lines)
    highest = max(float(np.nanmax(shown.mean)) for shown in lines)
    return 1.15 * slowest if 0 < 1.15 * slowest < highest else None


def _least(bounds: Array) -> float:
    return float(np.nanmin(bounds))


def _label(lines: Sequence[Line], unit: Unit, against: Against) -> str:
    what = "accuracy" if unit.points else "loss"
    by = "epoch" if against == "epochs" else "second of training"
    ends = series([f"{shown.variant} {_end(shown, unit)}" for shown in lines])
    return f"Validation {what} by {by}, a line a variant; at the end {ends}"


def _end(shown: Line, unit: Unit) -> str:
    return unit.value(float(shown.mean[~np.isnan(shown.mean)][-1]) / unit.scale)

"""Learning curves by epoch or by seconds, one line and band per variant."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.formatting import Unit, join_all, unit_of
from ablab.report.analysis.grid import Group
from ablab.report.analysis.trials import Row
from ablab.report.page.figures.lines import Line, draw_lines, line
from ablab.report.page.figures.svg import (
    grid,
    legend_below,
    legend_height,
    new_figure,
    short,
    style,
    to_svg,
)
from ablab.stats.paired import Array
from ablab.tracking.spec import Spec

Against = Literal["epochs", "seconds"]


@dataclass(frozen=True)
class Curve:
    """The quantity of a learning curve.

    Attributes:
        name: its name.
        unit: its unit.
        is_loss: whether it is the validation loss.
        step: the unit of the horizontal axis, in the singular.
        limits: its smallest and largest possible values, before scaling.
    """

    name: str
    unit: Unit
    is_loss: bool = False
    step: str = "epoch"
    limits: tuple[float, float] = (0.0, 1.0)

    def of(self, row: Row) -> Array:
        """Return the curve of a trial."""
        return np.array(row.losses if self.is_loss else row.curve, dtype=np.float64)


def curve_of(spec: Spec, unit: Unit) -> Curve:
    """Return the quantity to draw.

    That is validation accuracy if the metric is an accuracy, else validation loss. For MLflow
    runs that ablab did not launch it is the metric that the user named, by index of the logged
    value, which need not be an epoch.

    Args:
        spec: the question.
        unit: the unit of its metric.
    """
    if spec.foreign:
        own = unit_of(spec.curve, spec.curve_unit)
        limits = (0.0, 1.0) if own.points else (-math.inf, math.inf)
        return Curve(spec.curve, own, step="value logged", limits=limits)
    if unit.points:
        return Curve("validation accuracy", unit)
    return Curve("validation loss", unit, is_loss=True, limits=(0.0, math.inf))


def curves_figure(
    groups: Mapping[str, Group], name: str, curve: Curve, against: Against = "epochs"
) -> str:
    """Return one curve per variant, by epoch or by seconds of training.

    Empty if no trial has a curve.

    Args:
        groups: the variants to draw.
        name: the prefix of its ids, unique on the page.
        curve: the quantity to draw.
        against: the horizontal axis; seconds are means over seeds at the end of each epoch.
    """
    lines = [
        drawn
        for index, group in enumerate(groups.values())
        if (drawn := _line(group, index, curve, against))
    ]
    if not lines:
        return ""
    with style():
        return to_svg(_draw(lines, curve, against), name, _label(lines, curve, against))


def _line(group: Group, index: int, curve: Curve, against: Against) -> Line | None:
    rows = [row for row in group.rows if not np.isnan(curve.of(row)).all()]
    if not rows:
        return None
    values = curve.unit.scale * _padded([curve.of(row) for row in rows])
    limits = (curve.unit.scale * curve.limits[0], curve.unit.scale * curve.limits[1])
    x = np.arange(1.0, values.shape[1] + 1)
    if against == "seconds":
        seconds = _padded([row.seconds for row in rows])
        known = ~np.isnan(seconds).all(axis=0)
        if not known.any():
            return None
        x, values = np.nanmean(seconds[:, known], axis=0), values[:, : known.size][:, known]
    return line(group.variant, index, x, values, limits)


def _padded(curves: Sequence[Sequence[float] | Array]) -> Array:
    """Return curves as one array, (seeds, epochs), padded with NaN."""
    padded = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[: len(curve)] = curve
    return padded


def _draw(lines: Sequence[Line], curve: Curve, against: Against) -> Figure:
    figure, axes = new_figure(3.3 + legend_height(len(lines)))
    draw_lines(axes, lines)
    if curve.unit.points:
        axes.set_ylim(bottom=_floor(lines), top=min(axes.get_ylim()[1], 100.0))
    elif curve.is_loss:
        axes.set_ylim(bottom=0.0, top=_ceiling(lines))
    grid(axes)
    if against == "epochs":
        axes.set_xlabel(curve.step)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_xlabel("seconds of training, without evaluation")
        axes.set_xlim(left=0.0)
    axes.set_ylabel(curve.unit.value_axis(short(curve.name)))
    legend_below(figure, len(lines))
    return figure


def _floor(lines: Sequence[Line]) -> float | None:
    """Return the start of the accuracy axis, below the slowest variant after a quarter."""
    slowest = min(_least(shown.bounds[len(shown.x) // 4 :]) for shown in lines)
    lowest = min(_least(shown.bounds) for shown in lines)
    start = max(slowest - 0.15 * (100 - slowest), 0.0)
    return start if start > lowest else None


def _ceiling(lines: Sequence[Line]) -> float | None:
    """Return the end of the loss axis, above the slowest variant after a quarter."""
    slowest = max(float(np.nanmax(shown.mean[len(shown.x) // 4 :])) for shown in lines)
    highest = max(float(np.nanmax(shown.mean)) for shown in lines)
    return 1.15 * slowest if 0 < 1.15 * slowest < highest else None


def _least(bounds: Array) -> float:
    return float(np.nanmin(bounds))


def _label(lines: Sequence[Line], curve: Curve, against: Against) -> str:
    by = curve.step if against == "epochs" else "second of training"
    ends = join_all([f"{shown.variant} {_end(shown, curve.unit)}" for shown in lines])
    name = curve.name if curve.step != "epoch" else curve.name.capitalize()
    return f"{name} by {by}, one line per variant; at the end {ends}"


def _end(shown: Line, unit: Unit) -> str:
    return unit.value(float(shown.mean[~np.isnan(shown.mean)][-1]) / unit.scale)

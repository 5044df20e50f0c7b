"""The learning curves, a line and a band a variant, against epochs or seconds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.report.analysis.contrast import Group
from ablab.report.analysis.trials import Row
from ablab.report.formatting import Unit, series, unit_of
from ablab.report.page.figures.canvas import (
    canvas,
    grid,
    legend_below,
    legend_height,
    short,
    style,
    to_svg,
)
from ablab.report.page.figures.lines import Line, draw_lines, line
from ablab.stats.paired import Array
from ablab.tracking.spec import Spec

Against = Literal["epochs", "seconds"]


@dataclass(frozen=True)
class Course:
    """What is drawn by epoch.

    Attributes:
        what: what it is called.
        unit: how it is written.
        is_loss: whether it is the validation loss.
        step: what it is drawn by.
        limits: between which it lies, before it is written in its unit.
    """

    what: str
    unit: Unit
    is_loss: bool = False
    step: str = "epoch"
    limits: tuple[float, float] = (0.0, 1.0)

    def of(self, row: Row) -> Array:
        """Return a trial's curve."""
        return np.array(row.losses if self.is_loss else row.curve, dtype=np.float64)


def course(spec: Spec, unit: Unit) -> Course:
    """Return what is drawn of a comparison's trials.

    Validation accuracy where the metric is one, else validation loss. Of others' runs what the
    user named, value by value: whether these are epochs is not known.

    Args:
        spec: the question as a plan holds it.
        unit: of its metric.
    """
    if spec.foreign:
        own = unit_of(spec.curve, spec.curve_unit)
        limits = (0.0, 1.0) if own.points else (-math.inf, math.inf)
        return Course(spec.curve, own, step="value logged", limits=limits)
    if unit.points:
        return Course("validation accuracy", unit)
    return Course("validation loss", unit, is_loss=True, limits=(0.0, math.inf))


def curves_figure(
    groups: Mapping[str, Group], name: str, drawn: Course, against: Against = "epochs"
) -> str:
    """Return a curve a variant, by epoch or by seconds of training.

    Empty where no trial has a curve.

    Args:
        groups: by variant, those to draw.
        name: what its ids begin with, to be unique on the page.
        drawn: what is drawn.
        against: the axis to the right; seconds are the means over seeds at an epoch's end.
    """
    lines = [
        made
        for place, group in enumerate(groups.values())
        if (made := _line(group, place, drawn, against))
    ]
    if not lines:
        return ""
    with style():
        return to_svg(_draw(lines, drawn, against), name, _label(lines, drawn, against))


def _line(group: Group, place: int, drawn: Course, against: Against) -> Line | None:
    rows = [row for row in group.rows if not np.isnan(drawn.of(row)).all()]
    if not rows:
        return None
    values = drawn.unit.scale * _padded([drawn.of(row) for row in rows])
    limits = (drawn.unit.scale * drawn.limits[0], drawn.unit.scale * drawn.limits[1])
    x = np.arange(1.0, values.shape[1] + 1)
    if against == "seconds":
        seconds = _padded([row.seconds for row in rows])
        known = ~np.isnan(seconds).all(axis=0)
        if not known.any():
            return None
        x, values = np.nanmean(seconds[:, known], axis=0), values[:, : known.size][:, known]
    return line(group.variant, place, x, values, limits)


def _padded(curves: Sequence[Sequence[float] | Array]) -> Array:
    """Return curves as one array (seeds, epochs), NaN after an early end."""
    found = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(found, curves, strict=True):
        row[: len(curve)] = curve
    return found


def _draw(lines: Sequence[Line], drawn: Course, against: Against) -> Figure:
    figure, axes = canvas(3.3 + legend_height(len(lines)))
    draw_lines(axes, lines)
    if drawn.unit.points:
        axes.set_ylim(bottom=_floor(lines), top=min(axes.get_ylim()[1], 100.0))
    elif drawn.is_loss:
        axes.set_ylim(bottom=0.0, top=_ceiling(lines))
    grid(axes)
    if against == "epochs":
        axes.set_xlabel(drawn.step)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_xlabel("seconds of training, evaluation left out")
        axes.set_xlim(left=0.0)
    axes.set_ylabel(short(drawn.what) + (", %" if drawn.unit.points else ""))
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


def _label(lines: Sequence[Line], drawn: Course, against: Against) -> str:
    by = drawn.step if against == "epochs" else "second of training"
    ends = series([f"{shown.variant} {_end(shown, drawn.unit)}" for shown in lines])
    what = drawn.what if drawn.step != "epoch" else drawn.what.capitalize()
    return f"{what} by {by}, a line a variant; at the end {ends}"


def _end(shown: Line, unit: Unit) -> str:
    return unit.value(float(shown.mean[~np.isnan(shown.mean)][-1]) / unit.scale)

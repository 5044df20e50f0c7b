"""The report's pictures, as SVG to stand inside a page: its colours are the page's own."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.report.comparison import Comparison
from ablab.report.contrast import Contrast
from ablab.report.statistics import Array, t_interval
from ablab.report.svg import INK, MUTED, SERIES, style, to_svg
from ablab.report.unit import Unit, number

WIDTH = 430 / 72
DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (9, 2)),
)
MARKERS = "os^Dvp*"


def differences_figure(comparison: Comparison, name: str) -> str:
    """Return the paired differences to the reference: a dot a seed, the mean, its interval.

    Empty where there is no difference to show.

    Args:
        comparison: the block's.
        name: what its ids begin with, to be unique on the page.
    """
    contrasts = {v: c for v, c in comparison.against_reference.items() if c.n}
    if not contrasts:
        return ""
    with style():
        figure = _draw_differences(comparison, contrasts)
        what = f"Paired differences of {comparison.metric} to {comparison.reference}"
        return to_svg(figure, name, what)


def _draw_differences(comparison: Comparison, contrasts: Mapping[str, Contrast]) -> Figure:
    figure, axes = _canvas(0.62 + 0.36 * len(contrasts))
    unit, limits = comparison.unit, _limits(list(contrasts.values()), comparison.unit)
    for place, contrast in enumerate(contrasts.values()):
        _draw_contrast(axes, -place, contrast, unit)
        _point_outside(axes, -place, contrast.mean * unit.scale, limits)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    axes.set_yticks([-i for i in range(len(contrasts))], [_short(v) for v in contrasts])
    axes.set_ylim(-len(contrasts) + 0.4, 0.6)
    axes.set_xlim(limits)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=11)
    axes.grid(axis="x", color=MUTED, alpha=0.25, linewidth=0.6)
    axes.set_xlabel(f"difference to {_short(str(comparison.reference))}{_axis(unit)}")
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


def _draw_contrast(axes: Axes, y: float, contrast: Contrast, unit: Unit) -> None:
    values = contrast.differences * unit.scale
    spread = np.linspace(0.06, -0.06, values.size) if values.size > 1 else np.zeros(1)
    axes.plot(values, y - 0.2 + spread, "o", ms=3.2, mfc="none", mec=MUTED, mew=0.9)
    color = {"ahead": SERIES[0], "behind": SERIES[1], "open": INK}[contrast.result]
    if contrast.interval is not None:
        low, high = (bound * unit.scale for bound in contrast.interval)
        axes.plot([low, high], [y + 0.06] * 2, color=color, lw=2.2, solid_capstyle="butt")
    marker = {"ahead": "^", "behind": "v", "open": "D"}[contrast.result]
    axes.plot(contrast.mean * unit.scale, y + 0.06, marker, color=color, ms=6.5)


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
    figure, axes = _canvas(3.5 + 0.2 * math.ceil(len(curves) / 3))
    for place, (variant, values) in enumerate(curves.items()):
        _draw_curve(axes, place, _short(variant), values)
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


def _canvas(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(color=MUTED, labelcolor=MUTED, labelsize=10.5)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    return figure, axes


def _axis(unit: Unit) -> str:
    return f",{unit.points}" if unit.points else ""


def _short(name: str) -> str:
    return name if len(name) <= 26 else name[:25] + "…"

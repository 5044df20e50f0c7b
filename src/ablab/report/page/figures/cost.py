"""Quality against cost, with the Pareto front."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.formatting import format_quantity, join_all
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.cost import COSTS, SAME, Point, format_cost, points
from ablab.report.page.figures.svg import (
    INK,
    MUTED,
    grid,
    legend_below,
    legend_height,
    line_style,
    new_figure,
    plain_ticks,
    short,
    style,
    to_svg,
)
from ablab.stats.paired import t_interval

_LOGARITHMIC = 8.0


def cost_figure(comparison: Comparison, cost: str, named: Sequence[str], name: str) -> str:
    """Return the variants by cost and mean; marks on the Pareto front are filled and joined.

    Empty if no cost is known.

    Args:
        comparison: the block's.
        cost: a key of `COSTS`.
        named: the variants with a style of their own; others are small dots.
        name: the prefix of its ids, unique on the page.
    """
    variants = points(comparison, cost)
    if not variants:
        return ""
    front = [f"{p.variant} ({format_cost(cost, p.cost)})" for p in variants if p.is_front]
    label = (
        f"{comparison.metric} against {COSTS[cost]}; on the Pareto front: {join_all(front[:12])}"
    )
    with style():
        styles = {variant: index for index, variant in enumerate(named)}
        return to_svg(_draw(comparison, cost, variants, styles), name, label)


def _draw(
    comparison: Comparison, cost: str, variants: Sequence[Point], styles: Mapping[str, int]
) -> Figure:
    named = [point for point in variants if point.variant in styles]
    figure, axes = new_figure(3.1 + legend_height(len(named)))
    unit = comparison.unit
    others = [point for point in variants if point.variant not in styles]
    _dots(axes, [p for p in others if not p.is_front], unit.scale, "none")
    _dots(axes, [p for p in others if p.is_front], unit.scale, MUTED)
    _draw_front(axes, variants, unit.scale)
    for point in named:
        _draw_point(axes, comparison, point, styles[point.variant])
    axes.margins(x=0.08, y=0.1)
    _draw_axes(axes, [point.cost for point in variants])
    axes.set_xlabel(COSTS[cost])
    axes.set_ylabel(unit.value_axis(comparison.metric))
    legend_below(figure, len(named))
    return figure


def _dots(axes: Axes, variants: Sequence[Point], scale: float, fill: str) -> None:
    x, y = [p.cost for p in variants], [scale * p.mean for p in variants]
    axes.plot(x, y, "o", ms=3.4, mfc=fill, mec=MUTED, mew=0.8)


def _draw_front(axes: Axes, variants: Sequence[Point], scale: float) -> None:
    front = sorted((p.cost, scale * p.mean) for p in variants if p.is_front)
    axes.step(*zip(*front, strict=True), where="post", color=INK, lw=1.0, ls=(0, (1, 1.6)))


def _draw_point(axes: Axes, comparison: Comparison, point: Point, index: int) -> None:
    style_, scale = line_style(index), comparison.unit.scale
    color = style_["color"]
    interval = t_interval(comparison.groups[point.variant].values)
    if interval is not None:
        axes.plot([point.cost] * 2, [scale * x for x in interval], color=color, lw=1.2, alpha=0.7)
    (mark,) = axes.plot(
        point.cost, scale * point.mean, style_["marker"], color=color, label=short(point.variant)
    )
    mark.set(markersize=8.0, mew=1.6, mfc=color if point.is_front else "none")


def _draw_axes(axes: Axes, costs: Sequence[float]) -> None:
    grid(axes)
    axes.xaxis.set_major_formatter(lambda x, _: format_quantity(x))
    if min(costs) > 0 and max(costs) / min(costs) > _LOGARITHMIC:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    elif max(costs) <= SAME * min(costs):
        axes.set_xlim(0, 1.3 * max(costs))

"""The best figure so far of each search, trial by trial."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.formatting import join_all, unit_of
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
from ablab.stats.paired import Array


def tuning_figure(
    best: Mapping[str, Array], indices: Mapping[str, int], metric: str, name: str
) -> str:
    """Return the best figure so far of each variant; empty if no trial has finished.

    Args:
        best: variant to (trials,), NaN before the first that finished.
        indices: variant to the index of its line style.
        metric: the validation metric.
        name: the prefix of its ids, unique on the page.
    """
    drawn = {v: values for v, values in best.items() if not np.isnan(values).all()}
    if not drawn:
        return ""
    unit = unit_of(metric)
    last = [f"{v} {unit.value(float(values[-1]))}" for v, values in drawn.items()]
    label = f"Best {metric} so far by trial of the search; in the end {join_all(last)}"
    with style():
        return to_svg(_draw(drawn, indices, metric), name, label)


def _draw(best: Mapping[str, Array], indices: Mapping[str, int], metric: str) -> Figure:
    unit = unit_of(metric)
    figure, axes = new_figure(2.6 + legend_height(len(best)))
    for number, (variant, values) in enumerate(best.items()):
        drawn = line_style(indices.get(variant, number))
        x = np.arange(1, values.size + 1)
        (line,) = axes.step(x, unit.scale * values, where="post", label=short(variant), **drawn)
        line.set(markersize=4.5, linewidth=1.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial of the search")
    axes.set_ylabel(unit.value_axis(f"best {metric} so far"))
    grid(axes)
    legend_below(figure, len(best))
    return figure

"""What probes found: by epoch, and by layer from the input on."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.report.analysis.probes import PROBES, Inside, by_epoch, by_layer, layers
from ablab.report.page.figures.canvas import (
    canvas,
    grid,
    legend_below,
    legend_height,
    plain_ticks,
    style,
    to_svg,
)
from ablab.report.page.figures.lines import Line, draw_lines, line
from ablab.stats.paired import Array
from ablab.tracking.probes import ProbeValues

MOST_NAMES = 6


def epochs_figure(inside: Inside, probe: str, places: Mapping[str, int], name: str) -> str:
    """Return a probe's mean over the layers by epoch, a line a variant; empty for none.

    Args:
        inside: what was found.
        probe: a key of `PROBES`.
        places: which look each variant has.
        name: what its ids begin with, to be unique on the page.
    """
    lines = _lines(inside, probe, places, lambda tables: by_epoch(tables, probe))
    if not lines:
        return ""
    label = f"{PROBES[probe].title} by epoch, mean over the layers, a line a variant"
    with style():
        figure, axes = _draw(lines, probe)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return to_svg(figure, name, label[0].upper() + label[1:])


def layers_figure(
    inside: Inside, probe: str, places: Mapping[str, int], name: str, *, epoch: int
) -> str:
    """Return a probe by layer at an epoch (0 the first, -1 the last), a line a variant."""
    lines = _lines(inside, probe, places, lambda tables: by_layer(tables, probe, epoch))
    if not lines:
        return ""
    when, names = "first" if epoch == 0 else "last", layers(inside, probe)
    label = f"{PROBES[probe].title} by layer from the input on, after the {when} epoch"
    with style():
        figure, axes = _draw(lines, probe)
        axes.set_xlabel(f"layer, from the input on, after the {when} epoch")
        if len(names) <= MOST_NAMES:
            axes.set_xticks(range(1, len(names) + 1), names)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return to_svg(figure, name, label[0].upper() + label[1:])


def _lines(
    inside: Inside,
    probe: str,
    places: Mapping[str, int],
    values: Callable[[Sequence[ProbeValues]], Array],
) -> list[Line]:
    found, scale = [], 100.0 if PROBES[probe].is_share else 1.0
    for variant, tables in inside.items():
        figures = scale * values(tables)
        if np.isfinite(figures).any():
            x = np.arange(1.0, figures.shape[1] + 1)
            found.append(line(variant, places[variant], x, figures, _limits(probe, figures)))
    return found


def _limits(probe: str, figures: Array) -> tuple[float, float]:
    """Return what the band can reach: a share's bounds, and on powers of ten the least seed."""
    if PROBES[probe].is_share:
        return 0.0, 100.0
    least = float(np.nanmin(figures)) if PROBES[probe].is_logarithmic else -np.inf
    return least, np.inf


def _draw(lines: Sequence[Line], probe: str) -> tuple[Figure, Axes]:
    shown = PROBES[probe]
    figure, axes = canvas(2.7 + legend_height(len(lines)))
    draw_lines(axes, lines)
    least = min(float(np.nanmin(drawn.mean)) for drawn in lines)
    if shown.is_logarithmic and least > 0:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    if shown.is_share:
        axes.set_ylim(bottom=0.0, top=max(axes.get_ylim()[1], 1.0))
    grid(axes)
    axes.set_ylabel(shown.title + (", %" if shown.is_share else ""))
    legend_below(figure, len(lines))
    return figure, axes

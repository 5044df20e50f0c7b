"""Values of the probes by epoch, and by layer."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablab.report.analysis.probes import PROBES, ProbeTables, by_epoch, by_layer, layers
from ablab.report.page.figures.lines import Line, draw_lines, line
from ablab.report.page.figures.svg import (
    grid,
    legend_below,
    legend_height,
    new_figure,
    plain_ticks,
    style,
    to_svg,
)
from ablab.stats.paired import Array
from ablab.tracking.probes import ProbeValues

MOST_NAMES = 6


def epochs_figure(inside: ProbeTables, probe: str, styles: Mapping[str, int], name: str) -> str:
    """Return a probe's mean over the layers by epoch, one line per variant; empty for none.

    Args:
        inside: the values of the probes.
        probe: a key of `PROBES`.
        styles: the index of each variant's line style.
        name: the prefix of its ids, unique on the page.
    """
    lines = _lines(inside, probe, styles, lambda tables: by_epoch(tables, probe))
    if not lines:
        return ""
    label = f"{PROBES[probe].title} by epoch, mean over the layers, one line per variant"
    with style():
        figure, axes = _draw(lines, probe)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return to_svg(figure, name, label[0].upper() + label[1:])


def layers_figure(
    inside: ProbeTables, probe: str, styles: Mapping[str, int], name: str, *, epoch: int
) -> str:
    """Return a probe by layer after an epoch (0 the first, -1 the last), one line per variant."""
    lines = _lines(inside, probe, styles, lambda tables: by_layer(tables, probe, epoch))
    if not lines:
        return ""
    when, names = "first" if epoch == 0 else "last", layers(inside, probe)
    label = f"{PROBES[probe].title} by layer, starting at the input, after the {when} epoch"
    with style():
        figure, axes = _draw(lines, probe)
        axes.set_xlabel(f"layer, starting at the input, after the {when} epoch")
        if len(names) <= MOST_NAMES:
            axes.set_xticks(range(1, len(names) + 1), names)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return to_svg(figure, name, label[0].upper() + label[1:])


def _lines(
    inside: ProbeTables,
    probe: str,
    styles: Mapping[str, int],
    values: Callable[[Sequence[ProbeValues]], Array],
) -> list[Line]:
    lines, scale = [], 100.0 if PROBES[probe].is_share else 1.0
    for variant, tables in inside.items():
        scaled = scale * values(tables)
        if np.isfinite(scaled).any():
            x = np.arange(1.0, scaled.shape[1] + 1)
            lines.append(line(variant, styles[variant], x, scaled, _limits(probe, scaled)))
    return lines


def _limits(probe: str, scaled: Array) -> tuple[float, float]:
    """Return the limits of the band: those of a share; on a log scale, the smallest value."""
    if PROBES[probe].is_share:
        return 0.0, 100.0
    least = float(np.nanmin(scaled)) if PROBES[probe].is_logarithmic else -np.inf
    return least, np.inf


def _draw(lines: Sequence[Line], probe: str) -> tuple[Figure, Axes]:
    shown = PROBES[probe]
    figure, axes = new_figure(2.7 + legend_height(len(lines)))
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

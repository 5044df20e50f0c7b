"""Epochs to the target, one row per variant; censored trials are arrows."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.formatting import format_number, join_all
from ablab.report.analysis.speed import Speed, Times
from ablab.report.page.figures.differences import MOST_DOTS
from ablab.report.page.figures.svg import INK, MUTED, SERIES, grid, new_figure, short, style, to_svg


def speed_figure(speed: Speed, variants: list[str], name: str) -> str:
    """Return the epochs to the target: dots are seeds, a diamond is the restricted mean.

    Args:
        speed: the times of the block.
        variants: those to draw.
        name: the prefix of its ids, unique on the page.
    """
    times = {v: speed.variants[v] for v in variants if speed.variants[v].epochs.size}
    if not times:
        return ""
    means = [f"{v} {format_number(t.mean_epochs, 1)}" for v, t in times.items()]
    label = f"Epochs to {100 * speed.target:g} % validation accuracy: {join_all(means)}"
    with style():
        return to_svg(_draw(speed, times), name, label)


def _draw(speed: Speed, times: dict[str, Times]) -> Figure:
    figure, axes = new_figure(0.62 + 0.34 * len(times))
    for index, own in enumerate(times.values()):
        _draw_times(axes, -index, own)
    axes.axvline(speed.epochs, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), zorder=0)
    axes.set_yticks([-i for i in range(len(times))], [short(v) for v in times])
    axes.set_ylim(-len(times) + 0.4, 0.6)
    axes.set_xlim(0, 1.06 * speed.epochs)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=11)
    grid(axes, "x")
    axes.set_xlabel(f"epochs to {100 * speed.target:g} % validation accuracy")
    return figure


def _draw_times(axes: Axes, y: float, times: Times) -> None:
    if times.epochs.size <= MOST_DOTS:
        spread = np.linspace(0.06, -0.06, times.epochs.size) + y - 0.2
        reached = times.reached
        axes.plot(times.epochs[reached], spread[reached], "o", ms=3.2, mfc="none", mec=MUTED)
        axes.plot(times.epochs[~reached], spread[~reached], ">", ms=4.5, mfc=MUTED, mec=MUTED)
    mark = axes.plot(times.mean_epochs, y + 0.06, "D", color=SERIES[0], ms=6.5)[0]
    if not times.reached.all():
        mark.set(mfc="none", mew=1.6)

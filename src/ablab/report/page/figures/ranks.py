"""The critical-difference diagram: mean ranks, and bars over groups without a difference.

Source: Demšar 2006, Statistical comparisons of classifiers over multiple data sets, JMLR 7.
"""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.formatting import format_number, join_all
from ablab.report.analysis.ranks import Ranks
from ablab.report.page.figures.svg import INK, MUTED, new_figure, short, style, to_svg

MOST_RANKED = 30


def ranks_figure(ranks: Ranks, name: str) -> str:
    """Return the mean ranks on an axis, the best to the left.

    Bars join variants whose ranks differ by at most the critical difference, if there is one.

    Args:
        ranks: the mean ranks.
        name: the prefix of its ids, unique on the page.
    """
    means = dict(sorted(ranks.means.items(), key=lambda item: item[1])[:MOST_RANKED])
    if len(means) < 2:
        return ""
    listing = join_all([f"{variant} {format_number(mean, 2)}" for variant, mean in means.items()])
    label = f"Mean ranks over {ranks.count} {ranks.over}, 1 is the best: {listing}"
    with style():
        return to_svg(_draw(ranks, means), name, label)


def _draw(ranks: Ranks, means: Mapping[str, float]) -> Figure:
    width = ranks.critical_difference
    bars = cliques(list(means.values()), width) if width else []
    rows = (len(means) + 1) // 2
    figure, axes = new_figure(0.85 + 0.26 * rows + 0.09 * len(bars) + (0.25 if width else 0))
    below = 0.55 + 0.32 * len(bars)
    low, high = min(means.values()), max(means.values())
    pad = 0.5 * max(high - low, 0.4)
    for index, (variant, mean) in enumerate(means.items()):
        left = index < rows
        level = below + (index if left else len(means) - 1 - index)
        edge = low - 0.12 * pad if left else high + 0.12 * pad
        axes.plot([mean, mean, edge], [0, level, level], color=MUTED, lw=0.9)
        axes.plot(mean, 0, "o", color=INK, ms=4.5)
        text = (
            f"{short(variant)}  {format_number(mean, 2)}"
            if left
            else (f"{format_number(mean, 2)}  {short(variant)}")
        )
        side = "right" if left else "left"
        axes.annotate(
            text,
            (edge, level),
            (-3 if left else 3, 0),
            ha=side,
            va="center",
            color=INK,
            textcoords="offset points",
        )
    for index, (start, end) in enumerate(bars):
        axes.plot([start, end], [0.3 + 0.32 * index] * 2, color=INK, lw=3.5)
    _draw_axis(axes, (low - pad, high + pad), below + rows, width)
    return figure


def _draw_axis(axes: Axes, limits: tuple[float, float], bottom: float, width: float | None) -> None:
    top = -1.9 if width else -0.9
    axes.set_xlim(limits)
    axes.set_ylim(bottom - 0.4, top)
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks([])
    axes.axhline(0, color=INK, lw=0.9)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("mean rank, 1 is the best")
    axes.xaxis.set_label_position("top")
    if width:
        start = limits[0] + 0.02 * (limits[1] - limits[0])
        axes.plot([start, start + width], [-1.0] * 2, color=INK, lw=1.6, marker="|")
        axes.text(
            start, -1.25, f"critical difference {format_number(width, 2)}", color=INK, va="bottom"
        )


def cliques(ranks: Sequence[float], width: float) -> list[tuple[float, float]]:
    """Return the maximal groups of two or more ranks that span at most the width.

    Args:
        ranks: ascending.
        width: the critical difference.

    Example:
        >>> cliques([1.0, 1.5, 2.8, 3.0], 1.4)
        [(1.0, 1.5), (1.5, 2.8), (2.8, 3.0)]
    """
    runs: list[tuple[float, float]] = []
    for start in ranks:
        end = max(rank for rank in ranks if rank - start <= width)
        if end > start and (not runs or end > runs[-1][1]):
            runs.append((start, end))
    return runs

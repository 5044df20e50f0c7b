"""The results of a claim's expectations, one row each, towards the claim or away from it."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from ablab.formatting import join_words
from ablab.report.claims.results import CONTRADICTED, SUPPORTED, Result
from ablab.report.page.figures.svg import INK, MUTED, SERIES, new_figure, style, to_svg
from ablab.tracking import claim as claims

_COLORS = {SUPPORTED: SERIES[0], CONTRADICTED: SERIES[1]}
_MARKS = {SUPPORTED: "o", CONTRADICTED: "X"}
_LONGEST = 44


def claim_figure(results: Sequence[Result], name: str) -> str:
    """Return a row for each result that has a size; empty if none has.

    Args:
        results: of the expectations.
        name: the prefix of its ids, unique on the page.
    """
    shown = [r for r in results if r.identity is None and math.isfinite(r.effect)]
    if not shown:
        return ""
    label = join_words([f"{r.expectation}: {r.outcome}" for r in shown])
    with style():
        figure, axes = new_figure(0.5 + 0.62 * len(shown))
        for index, result in enumerate(shown):
            _draw(axes, -index, result)
        axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
        axes.set_xlim(-1.12, 1.12)
        axes.set_ylim(-len(shown) + 0.3, 0.75)
        axes.set_yticks([])
        axes.set_xticks([-0.75, 0.75], ["against the claim", "for the claim"])
        axes.tick_params(axis="x", length=0)
        return to_svg(figure, name, label)


def _draw(axes: Axes, y: float, result: Result) -> None:
    """Draw one row; right is towards the claim."""
    e = result.expectation
    sign = -1.0 if e.expect == claims.LOWER else 1.0
    color, mark = _COLORS.get(result.outcome, INK), _MARKS.get(result.outcome, "D")
    text = str(e)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    axes.text(-1.1, y + 0.34, f"{text}: {result.outcome}", fontsize=10, color=INK, va="center")
    if e.expect == claims.STABLE:
        share = min(2.0, result.effect / e.margin)
        axes.plot(1 - share, y, mark, color=color, ms=6.5)  # at the bound it is on the line
        return
    seeds = np.empty(0) if result.contrast is None else result.contrast.differences
    bounds = np.array(result.interval or ())
    has_band = e.expect in (claims.EQUAL, claims.DIFFERENT)
    zero = 0.0 if has_band else e.margin
    points = [sign * x - zero for x in (seeds, bounds, np.array([result.effect]))]
    margin = np.array([e.margin if has_band else 0.0])
    scale = float(np.abs(np.concatenate([*points, margin])).max()) or 1.0
    dots, ends, mean = (x / scale for x in points)
    if has_band:
        width = e.margin / scale
        axes.fill_between([-width, width], y - 0.2, y + 0.2, color=MUTED, alpha=0.15, lw=0)
    axes.plot(dots, np.full(dots.size, y - 0.16), "o", ms=3, mfc="none", mec=MUTED, mew=0.9)
    if ends.size:
        axes.plot(ends, [y] * 2, color=color, lw=2.4, solid_capstyle="butt")
    axes.plot(mean, [y], mark, color=color, ms=6.5)

"""Colors for a figure outside a page, such as in a notebook."""

from typing import Any

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from ablab.report.page.figures.svg import INK, MUTED, SERIES

# The light theme of page/templates/report.css.
_COLORS = dict(
    zip(
        (INK, MUTED, *SERIES),
        (
            *("#1b1d21", "#646a73"),
            *("#0072b2", "#c4500a", "#00835f", "#a64d86", "#a87400", "#2f8ecb", "#4a4d52"),
        ),
        strict=True,
    )
)
_PARTS = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


def apply_colors(figure: Figure) -> Figure:
    """Replace the placeholder colors in a figure by real ones, in place; idempotent."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            ticks = axis.get_tick_params()
            colors = {k: _replaced(ticks[k]) for k in ("color", "labelcolor") if k in ticks}
            axis.set_tick_params(which="both", **colors)
    for artist in figure.findobj():
        for part in _PARTS:
            get, set_ = (getattr(artist, f"{verb}_{part}", None) for verb in ("get", "set"))
            if get and set_:
                _recolor(get(), set_)
    return figure


def _recolor(color: Any, set_color: Any) -> None:
    if isinstance(color, str):
        if color.lower() != "none" and color != "auto":
            set_color(_replaced(color))
        return
    is_collection = getattr(color, "ndim", 1) == 2
    rows = list(color) if is_collection else [color]
    replaced = [_keep_alpha(row) for row in rows]
    if replaced != [tuple(row) for row in rows]:
        set_color(replaced if is_collection else replaced[0])


def _keep_alpha(color: Any) -> Any:
    from matplotlib.colors import to_rgba

    return to_rgba(_replaced(to_hex(color)), color[3]) if len(color) == 4 else tuple(color)


def _replaced(color: Any) -> Any:
    return _COLORS.get(to_hex(color), color)

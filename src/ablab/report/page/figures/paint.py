"""A picture in colours of its own, for where no page gives it any."""

from typing import Any

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from ablab.report.page.figures.canvas import INK, MUTED, SERIES

# The colours of page/templates/report.css in a light room.
_PAINTS = dict(
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


def paint(figure: Figure) -> Figure:
    """Return the figure with each of the canvas's colours replaced; done twice it is the same."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            ticks = axis.get_tick_params()
            colors = {k: _painted(ticks[k]) for k in ("color", "labelcolor") if k in ticks}
            axis.set_tick_params(which="both", **colors)
    for artist in figure.findobj():
        for part in _PARTS:
            get, put = (getattr(artist, f"{verb}_{part}", None) for verb in ("get", "set"))
            if get and put:
                _repaint(get(), put)
    return figure


def _repaint(color: Any, put: Any) -> None:
    if isinstance(color, str):
        if color.lower() != "none" and color != "auto":
            put(_painted(color))
        return
    several = getattr(color, "ndim", 1) == 2  # a collection's
    rows = list(color) if several else [color]
    painted = [_keeping_alpha(row) for row in rows]
    if painted != [tuple(row) for row in rows]:
        put(painted if several else painted[0])


def _keeping_alpha(color: Any) -> Any:
    from matplotlib.colors import to_rgba

    return to_rgba(_painted(to_hex(color)), color[3]) if len(color) == 4 else tuple(color)


def _painted(color: Any) -> Any:
    return _PAINTS.get(to_hex(color), color)

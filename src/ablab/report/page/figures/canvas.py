"""A canvas for a report's pictures, and the SVG that takes colours and font from the page."""

import io
import math
import re
import warnings
from contextlib import AbstractContextManager
from html import escape
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ablab.report.formatting import quantity

# Colours that matplotlib writes and that we then replace by the page's variables.
INK, MUTED = "#010101", "#020202"
SERIES = tuple(f"#03030{i}" for i in range(1, 8))
WIDTH = 430 / 72  # inches; small, so that its words can be read on a phone
DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (9, 2)),
)
MARKERS = "os^Dvp*"


class Drawing(Figure):
    """A figure that a notebook shows by itself."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=110)
        return stream.getvalue()


class Svg(str):
    """An ``<svg>`` element that knows of which figure it is.

    Attributes:
        name: what its ids begin with.
        figure: in the colours of this module.
    """

    name: str
    figure: Figure


def style() -> AbstractContextManager[None]:
    """Return the context in which a figure is drawn and written."""
    return mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "ablab",
            "text.parse_math": False,
            "font.size": 11.0,
            "legend.labelcolor": INK,
        }
    )


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a figure so many inches high, and its axes without a frame."""
    figure = Drawing(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(color=MUTED, labelcolor=MUTED, labelsize=10.5)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    return figure, axes


def look(place: int) -> dict[str, Any]:
    """Return colour, dash and marker of the variant at this place, the same in every picture.

    Dash and marker tell apart what has the same colour, and all where there is none.
    """
    color, dashes = SERIES[place % len(SERIES)], DASHES[place % len(DASHES)]
    return {"color": color, "linestyle": dashes, "marker": MARKERS[place % len(MARKERS)]}


def legend_below(figure: Figure, count: int) -> None:
    """Write the legend of so many entries under the picture, in columns."""
    figure.legend(loc="outside lower center", ncols=min(3, count), frameon=False, handlelength=3)


def legend_height(count: int) -> float:
    """Return the inches that a legend of so many entries takes."""
    return 0.2 * math.ceil(count / 3)


def plain_ticks(axis: Axis) -> None:
    """Write the ticks of a logarithmic axis as plain numbers, not as powers."""
    axis.set_major_formatter(FuncFormatter(lambda x, _: quantity(x) if x >= 1000 else f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="minor", length=0)


def grid(axes: Axes, axis: Literal["both", "x", "y"] = "both") -> None:
    """Draw faint lines across the picture."""
    axes.grid(axis=axis, color=MUTED, alpha=0.25, linewidth=0.6)


def short(name: str) -> str:
    """Return a variant's name, cut where it would leave no room for the picture."""
    return name if len(name) <= 26 else name[:25] + "…"


def to_svg(figure: Figure, name: str, label: str) -> Svg:
    """Return the figure as an ``<svg>`` element, the same bytes for the same figure.

    Args:
        figure: drawn within `style` and in the colours of this module.
        name: what its ids begin with, to be unique on the page.
        label: what it shows, for those who cannot see it.
    """
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the page's fonts will have it
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    svg = text[text.index("<svg") :].strip().replace("xlink:href", "href")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: (?:[\w.]+ )?([\d.]+)px [^;\"]+", r"font-size: \1px", svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for color, variable in _variables().items():
        svg = svg.replace(color, variable)
    found = Svg(re.sub(r"<svg [^>]*>", _opening(svg, label), svg, count=1))
    found.name, found.figure = name, figure
    return found


def _variables() -> dict[str, str]:
    numbered = {color: f"var(--series-{i})" for i, color in enumerate(SERIES)}
    return {INK: "currentColor", MUTED: "var(--muted)"} | numbered


def _opening(svg: str, label: str) -> str:
    box = re.search(r'viewBox="[^"]+"', svg)
    assert box, "matplotlib writes a viewBox"
    label = escape(label, quote=True)
    return f'<svg {box[0]} role="img" aria-label="{label}"><title>{label}</title>'.replace(
        "\\", r"\\"
    )

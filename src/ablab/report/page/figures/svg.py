"""Common style of the figures, and SVG that takes its colors and font from the page."""

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

from ablab.formatting import format_quantity

# Placeholder colors for matplotlib; `to_svg` replaces them with variables of the page's CSS.
INK, MUTED = "#010101", "#020202"
SERIES = tuple(f"#03030{i}" for i in range(1, 8))
WIDTH = 430 / 72  # inches; small, so that its text is legible on a phone
DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (9, 2)),
)
MARKERS = "os^Dvp*"


class NotebookFigure(Figure):
    """A matplotlib figure that a notebook displays without pyplot."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=110)
        return stream.getvalue()


class Svg(str):
    """An ``<svg>`` element together with its matplotlib figure.

    Attributes:
        name: the prefix of its ids.
        figure: in the placeholder colors.
    """

    name: str
    figure: Figure


def style() -> AbstractContextManager[None]:
    """Return the matplotlib settings, as a context, for drawing and saving a figure."""
    return mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "ablab",
            "text.parse_math": False,
            "font.size": 11.0,
            "legend.labelcolor": INK,
        }
    )


def new_figure(height: float) -> tuple[Figure, Axes]:
    """Return a figure of this height in inches, and its axes without a frame."""
    figure = NotebookFigure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(color=MUTED, labelcolor=MUTED, labelsize=10.5)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    return figure, axes


def line_style(index: int) -> dict[str, Any]:
    """Return color, dashes and marker of the variant with this index.

    Dashes and markers distinguish variants of the same color, and all of them without color.
    """
    color, dashes = SERIES[index % len(SERIES)], DASHES[index % len(DASHES)]
    return {"color": color, "linestyle": dashes, "marker": MARKERS[index % len(MARKERS)]}


def legend_below(figure: Figure, count: int) -> None:
    """Add the legend, with this number of entries, below the axes, in columns."""
    figure.legend(loc="outside lower center", ncols=min(3, count), frameon=False, handlelength=3)


def legend_height(count: int) -> float:
    """Return the height in inches of a legend with this number of entries."""
    return 0.2 * math.ceil(count / 3)


def plain_ticks(axis: Axis) -> None:
    """Label the ticks of a logarithmic axis with plain numbers instead of powers of ten."""
    axis.set_major_formatter(
        FuncFormatter(lambda x, _: format_quantity(x) if x >= 1000 else f"{x:g}")
    )
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="minor", length=0)


def grid(axes: Axes, axis: Literal["both", "x", "y"] = "both") -> None:
    """Draw faint grid lines."""
    axes.grid(axis=axis, color=MUTED, alpha=0.25, linewidth=0.6)


def short(name: str) -> str:
    """Return a variant's name, cut to leave room for the axes."""
    return name if len(name) <= 26 else name[:25] + "…"


def to_svg(figure: Figure, name: str, label: str) -> Svg:
    """Return the figure as an ``<svg>`` element, the same bytes for the same figure.

    Args:
        figure: drawn within `style`, in the placeholder colors.
        name: the prefix of its ids, unique on the page.
        label: the alternative text.
    """
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the page's fonts have it
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    svg = text[text.index("<svg") :].strip().replace("xlink:href", "href")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: (?:[\w.]+ )?([\d.]+)px [^;\"]+", r"font-size: \1px", svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for color, variable in _css_variables().items():
        svg = svg.replace(color, variable)
    element = Svg(re.sub(r"<svg [^>]*>", _opening_tag(svg, label), svg, count=1))
    element.name, element.figure = name, figure
    return element


def _css_variables() -> dict[str, str]:
    numbered = {color: f"var(--series-{i})" for i, color in enumerate(SERIES)}
    return {INK: "currentColor", MUTED: "var(--muted)"} | numbered


def _opening_tag(svg: str, label: str) -> str:
    box = re.search(r'viewBox="[^"]+"', svg)
    assert box, "matplotlib writes a viewBox"
    label = escape(label, quote=True)
    return f'<svg {box[0]} role="img" aria-label="{label}"><title>{label}</title>'.replace(
        "\\", r"\\"
    )

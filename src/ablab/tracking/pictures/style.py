"""The look of a run's pictures: dark on white, which a light and a dark page both show well.

Colors are told apart by people with any color vision: blue and vermilion of Okabe and Ito, and the
maps viridis, Blues and RdBu. They are drawn without pyplot, whose state is global, and laid out in
inches, since matplotlib's own layout engines take as long as the drawing.

Source: Okabe and Ito 2008, "Color Universal Design".
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from ablab.text import escape_controls

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, BLUE, VERMILION = "#1b1d21", "#646a73", "#0072b2", "#d55e00"
WIDTH = 6.4  # inches; 640 pixels
_TITLE = 72  # characters
_CHARACTER = 0.082  # inches of an average character of font size 9


def new_figure(title: str, height: float, width: float = WIDTH) -> "Figure":
    """Return a figure with a title, of a size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    shown = label(title, _TITLE)
    # Without `parse_math=False`, matplotlib would typeset text between dollar signs as a formula.
    figure.suptitle(shown, y=1 - 0.1 / height, va="top", fontsize=11, color=INK, parse_math=False)
    return figure


def axes_in(
    figure: "Figure", left: float, bottom: float, width: float, height: float, **options: Any
) -> "Axes":
    """Return axes at a position in inches."""
    across, up = figure.get_size_inches()
    axes = figure.add_axes((left / across, bottom / up, width / across, height / up), **options)
    axes.tick_params(labelsize=9, colors=INK, length=3)
    axes.spines[:].set_color("#c6c9cf")
    axes.spines[:].set_linewidth(0.8)
    return axes


def image_axes(figure: "Figure", left: float, bottom: float, width: float, height: float) -> "Axes":
    """Return axes without ticks and frame, for pixels."""
    axes = axes_in(figure, left, bottom, width, height)
    axes.set_axis_off()
    return axes


def text_width(labels: "list[str]") -> float:
    """Return the inches that the longest of some labels takes at font size 9."""
    return _CHARACTER * max(map(len, labels), default=0)


def label(text: str, longest: int) -> str:
    r"""Return a text of the user's as a picture can show it, cut at its end.

    Control characters are escaped; characters that the font lacks, which matplotlib would warn of,
    become question marks.

    Example:
        >>> label("a very long name", 8), label("two\nlines", 20)
        ('a very …', 'two\\nlines')
    """
    safe = escape_controls(text)
    if not safe.isascii():
        safe = "".join(c if ord(c) in _characters() else "?" for c in safe)
    return safe if len(safe) <= longest else f"{safe[: longest - 1]}…"


@cache
def _characters() -> frozenset[int]:
    """Return the characters of matplotlib's own font."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())

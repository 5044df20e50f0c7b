"""The look of a run's pictures: dark on white, which a light and a dark page both show well.

Colors are told apart by people with any color vision: blue and vermilion of Okabe and Ito, and the
maps viridis, Blues and RdBu. They are drawn without pyplot, whose state is global, and laid out in
inches, since matplotlib's own layout engines take as long as the drawing.

Source: Okabe and Ito 2008, "Color Universal Design".
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ablab.text import escape_controls

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

INK, MUTED, BLUE, VERMILION = "#1b1d21", "#646a73", "#0072b2", "#d55e00"
WIDTH = 6.4  # inches; 640 pixels
_LONGEST = 300  # characters of a text of which a part is shown


def new_figure(title: str, height: float, width: float = WIDTH) -> "Figure":
    """Return a figure with a title, of a size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    shown = label(title, width - 0.4, 11, middle=True)
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


def text_width(labels: Iterable[str], size: float = 9) -> float:
    """Return the inches that the longest of some labels takes at a font size."""
    return max((_inches(text, size) for text in labels), default=0.0)


def label(text: str, inches: float, size: float = 9, *, middle: bool = False) -> str:
    r"""Return a text of the user's as a picture can show it, cut to a width.

    Control characters are escaped; characters that the font lacks, which matplotlib would warn of,
    become question marks.

    Args:
        text: any.
        inches: longest width.
        size: of the font.
        middle: cut the middle instead of the end.

    Example:
        >>> label("two\nlines", 2)
        'two\\nlines'
    """
    whole = "".join(c if _is_known(c) else "?" for c in escape_controls(text)[:_LONGEST])
    shown, kept = whole, len(whole)
    while _inches(shown, size) > inches and kept > 1:
        kept -= 1
        tail = kept // 3 if middle else 0
        shown = f"{whole[: kept - tail]}…{whole[len(whole) - tail :]}"
    return shown


def class_label(names: Sequence[str], number: int, inches: float, size: float = 9) -> str:
    """Return the name of a class as `label` does; its number if the font lacks its characters."""
    name = names[number] if 0 <= number < len(names) else ""
    if not name or not all(map(_is_known, escape_controls(name))):
        name = f"class {number}"
    return label(name, inches, size)


def _inches(text: str, size: float) -> float:
    font = _font()
    font.set_size(size, 100)
    font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64 / 100


def _is_known(character: str) -> bool:
    return ord(character) in _characters()


@cache
def _characters() -> frozenset[int]:
    return frozenset(_font().get_charmap())


def _font() -> "FT2Font":
    """Return matplotlib's own font; cached there for each thread."""
    from matplotlib.font_manager import findfont, get_font

    return get_font(findfont("DejaVu Sans"))

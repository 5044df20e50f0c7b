"""The look of a run's pictures: dark on white, which a light and a dark page both show well.

Colors are told apart by people with any color vision: blue and vermilion of Okabe and Ito, and the
maps viridis, Blues and RdBu.

Source: Okabe and Ito 2008, "Color Universal Design".
"""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablab.text import escape_controls

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

INK, MUTED, BLUE, VERMILION = "#1b1d21", "#646a73", "#0072b2", "#d55e00"
FRAME, GRID = "#c6c9cf", "#e4e4e4"
WIDTH = 6.4  # inches; 640 pixels
DPI = 100
_LONGEST = 300  # characters of a text of which a part is shown


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


@lru_cache(4096)  # the same numbers and words stand in the pictures of all runs of a sweep
def text_mask(text: str, size: float) -> tuple[NDArray[np.uint8], float, float]:
    """Return how much each pixel of a text is covered, from 0 to 255, and its width and height."""
    font = _font()
    font.set_size(size, DPI)
    font.set_text(text, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    width, height = (float(value) / 64 / DPI for value in font.get_width_height())
    return np.array(font.get_image(), np.uint8), width, height


def _inches(text: str, size: float) -> float:
    font = _font()
    font.set_size(size, DPI)
    font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64 / DPI


def _is_known(character: str) -> bool:
    return ord(character) in _characters()


@cache
def _characters() -> frozenset[int]:
    return frozenset(_font().get_charmap())


def _font() -> "FT2Font":
    """Return matplotlib's own font; cached there for each thread."""
    from matplotlib.font_manager import findfont, get_font

    return get_font(findfont("DejaVu Sans"))

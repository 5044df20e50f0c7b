"""The look of a run's pictures: dark on white, which a light and a dark page both show well.

Colors are told apart by people with any color vision: blue and vermilion of Okabe and Ito, and the
maps viridis, Blues and RdBu. Matplotlib's renderer draws them, without its figures: those take ten
times as long, half a second of processor time for the pictures of one run.

Source: Okabe and Ito 2008, "Color Universal Design".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablab.text import escape_controls

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

INK, MUTED, BLUE, VERMILION = "#1b1d21", "#646a73", "#0072b2", "#d55e00"
FRAME, GRID = "#c6c9cf", "#e4e4e4"
WIDTH = 6.4  # inches; 640 pixels
DPI = 100
_LONGEST = 300  # characters of a text of which a part is shown

Box = tuple[float, float, float, float]
"""Left, bottom, width and height, in inches from the lower left corner of a picture."""


@dataclass(frozen=True)
class Label:
    """A text of a picture and the box that it takes."""

    text: str
    box: Box


class Picture:
    """A picture with a title, drawn in inches from its lower left corner.

    Args:
        title: at its top.
        height: in inches.

    Attributes:
        height: in inches.
        labels: the texts that were drawn, in order.
        pixels: (height, width, 4), bytes of red, green, blue and alpha, from top to bottom.
    """

    def __init__(self, title: str, height: float) -> None:
        from matplotlib.backends import backend_agg

        self.height, self.labels = height, list[Label]()
        agg: Any = backend_agg  # it is not typed
        self._renderer = agg.RendererAgg(_pixel(WIDTH), _pixel(height), DPI)
        self.pixels: NDArray[np.uint8] = np.asarray(self._renderer.buffer_rgba())
        self.pixels[:] = 255
        shown = label(title, WIDTH - 0.4, 11, middle=True)
        self.text(WIDTH / 2, height - 0.1, shown, size=11, va="top")

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        color: str = INK,
        ha: str = "center",
        va: str = "center",
        upright: bool = False,
    ) -> None:
        """Write a text, not as a formula whatever it holds.

        Args:
            x: of the point that ``ha`` (``left``, ``center``, ``right``) refers to.
            y: of the point that ``va`` (``bottom``, ``center``, ``top``) refers to.
            text: one line.
            size: in points.
            color: as in matplotlib.
            ha: horizontal alignment.
            va: vertical alignment.
            upright: whether it runs from bottom to top.
        """
        mask, across, height = _mask(text, size)
        if upright:
            mask, across, height = np.rot90(mask), height, across
        left = x - across * {"left": 0.0, "center": 0.5, "right": 1.0}[ha]
        bottom = y - height * {"bottom": 0.0, "center": 0.5, "top": 1.0}[va]
        self.labels.append(Label(text, (left, bottom, across, height)))
        rows, columns = mask.shape
        # A mask has a border of one pixel.
        first_row = _pixel(self.height - bottom) + 1 - rows
        first_column = _pixel(left) - 1 if upright else _pixel(left)
        top, start = max(first_row, 0), max(first_column, 0)
        part = self.pixels[top : first_row + rows, start : first_column + columns, :3]
        shown = mask[top - first_row :, start - first_column :][: part.shape[0], : part.shape[1]]
        share = shown[..., None] / 255
        part[:] = part + share * (np.multiply(_rgb(color), 255) - part) + 0.5

    def line(
        self, points: ArrayLike, color: str, width: float = 1.5, *, dashed: bool = False
    ) -> None:
        """Draw a line through points (n, 2); one that is not finite leaves a gap.

        Args:
            points: in inches.
            color: as in matplotlib.
            width: in points.
            dashed: whether it is dashed.
        """
        from matplotlib.path import Path as Line
        from matplotlib.transforms import IdentityTransform

        pen = self._pen(color, width)
        if dashed:
            pen.set_dashes(0, [3.7 * pen.get_linewidth(), 1.6 * pen.get_linewidth()])
        pixels = np.asarray(points, np.float64).reshape(-1, 2) * DPI
        self._renderer.draw_path(pen, Line(pixels), IdentityTransform())

    def points(self, points: ArrayLike, color: str, *, square: bool = False) -> None:
        """Draw points (n, 2) as circles or squares of 4 points."""
        from matplotlib.path import Path as Line
        from matplotlib.transforms import Affine2D, IdentityTransform

        pixels = np.asarray(points, np.float64).reshape(-1, 2) * DPI
        size = 4 * DPI / 72
        scale = Affine2D().scale(size / 2)
        shape = (
            Line([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)], closed=True)
            if square
            else Line.unit_circle()
        )
        pen, known = self._pen(color, 1), pixels[np.isfinite(pixels).all(axis=1)]
        self._renderer.draw_markers(
            pen, shape, scale, Line(known), IdentityTransform(), _rgb(color)
        )

    def rectangle(self, box: Box, color: str, alpha: float = 1.0, edge: str = "") -> None:
        """Fill a box, with an edge of one point where that has a color."""
        from matplotlib.path import Path as Line
        from matplotlib.transforms import IdentityTransform

        left, bottom, width, height = (DPI * value for value in box)
        right, top = left + width, bottom + height
        corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
        pen = self._pen(edge or color, 1 if edge else 0)
        pen.set_alpha(alpha)
        self._renderer.draw_path(
            pen, Line(corners, closed=True), IdentityTransform(), (*_rgb(color), alpha)
        )

    def image(self, colors: NDArray[np.uint8], box: Box) -> None:
        """Draw an image (rows, columns, 3 or 4) in a box, each of its pixels as a rectangle.

        Args:
            colors: bytes of red, green and blue, from top to bottom.
            box: where.
        """
        left, bottom, width, height = box
        x0, x1 = _pixel(left), _pixel(left + width)
        y0, y1 = _pixel(self.height - bottom - height), _pixel(self.height - bottom)
        rows = np.arange(max(y1 - y0, 1)) * len(colors) // max(y1 - y0, 1)
        columns = np.arange(max(x1 - x0, 1)) * colors.shape[1] // max(x1 - x0, 1)
        shown = colors[rows[:, None], columns, :3]
        self.pixels[y0 : y0 + len(rows), x0 : x0 + len(columns), :3] = shown

    def save(self, path: Path) -> None:
        """Write it as PNG."""
        from PIL import Image

        Image.fromarray(self.pixels[..., :3]).save(path, "PNG")

    def _pen(self, color: str, width: float = 1.0) -> Any:
        """Return a pen of a color and a width in points."""
        pen = self._renderer.new_gc()
        pen.set_foreground(color)
        pen.set_linewidth(width * DPI / 72)
        return pen


@dataclass(frozen=True)
class Axes:
    """A rectangle of a picture with two scales.

    Attributes:
        picture: the picture.
        box: where it is.
        x, y: the values at its left and right, and at its bottom and top.
    """

    picture: Picture
    box: Box
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Return the positions (n, 2) of values, in inches."""
        left, bottom, width, height = self.box
        (x0, x1), (y0, y1) = self.x, self.y
        across = left + width * (np.asarray(x, np.float64) - x0) / (x1 - x0)
        up = bottom + height * (np.asarray(y, np.float64) - y0) / (y1 - y0)
        return np.stack(np.broadcast_arrays(across, up), axis=-1).reshape(-1, 2)

    def frame(self, color: str = FRAME, width: float = 0.8) -> None:
        """Draw its border."""
        left, bottom, across, up = self.box
        right, top = left + across, bottom + up
        corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
        self.picture.line(corners, color, width)

    def grid(self, x: Iterable[float] = (), y: Iterable[float] = ()) -> None:
        """Draw lines at values."""
        left, bottom, width, height = self.box
        for across, _ in self.at(list(x), self.y[0]):
            self.picture.line([(across, bottom), (across, bottom + height)], GRID, 0.8)
        for _, up in self.at(self.x[0], list(y)):
            self.picture.line([(left, up), (left + width, up)], GRID, 0.8)

    def x_ticks(
        self, values: Sequence[float], texts: Sequence[str], *, upright: bool = False
    ) -> None:
        """Draw ticks with texts below."""
        bottom = self.box[1]
        for (across, _), text in zip(self.at(list(values), self.y[0]), texts, strict=True):
            self.picture.line([(across, bottom - 0.04), (across, bottom)], INK, 0.8)
            self.picture.text(across, bottom - 0.08, text, va="top", upright=upright)

    def y_ticks(
        self, values: Sequence[float], texts: Sequence[str], *, right: bool = False, size: float = 9
    ) -> None:
        """Draw ticks with texts at the left, or at the right."""
        side, sign = (self.box[0] + self.box[2], 1) if right else (self.box[0], -1)
        for (_, up), text in zip(self.at(self.x[0], list(values)), texts, strict=True):
            self.picture.line([(side, up), (side + sign * 0.04, up)], INK, 0.8)
            ha = "left" if right else "right"
            self.picture.text(side + sign * 0.08, up, text, size=size, ha=ha)

    def titles(self, x: str, y: str, *, left: float) -> None:
        """Write what its scales show: below, and upright in the middle of ``left`` inches."""
        box = self.box
        below = [
            each.box[1]
            for each in self.picture.labels
            if each.box[1] < box[1] and box[0] - 0.5 < each.box[0] < box[0] + box[2]
        ]
        lowest = min(below, default=box[1])
        self.picture.text(box[0] + box[2] / 2, lowest - 0.05, x, size=10, va="top")
        self.picture.text(left, box[1] + box[3] / 2, y, size=10, upright=True)


def color_scale(name: str, shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the colors (…, 4) of shares from 0 to 1 on a color map of matplotlib."""
    from matplotlib import colormaps

    colors: NDArray[np.uint8] = colormaps[name](shares, bytes=True)
    return colors


def color_bar(picture: Picture, box: Box, name: str) -> Axes:
    """Draw a bar of all colors of a color map, the last at its top; its scale is from 0 to 1."""
    picture.image(color_scale(name, np.linspace(1, 0, 256)[:, None]), box)
    bar = Axes(picture, box, (0, 1), (0, 1))
    bar.frame(INK)
    return bar


def nice_ticks(low: float, high: float, most: int) -> tuple[list[float], list[str]]:
    """Return round values from ``low`` to ``high``, and their texts with the same decimals."""
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    shown = [float(value) for value in values if low <= value <= high]
    for digits in range(12):
        texts = [f"{value:.{digits}f}" for value in shown]
        if np.allclose([float(text) for text in texts], shown, rtol=1e-9, atol=1e-12):
            return shown, texts
    return shown, [f"{value:.3g}" for value in shown]


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


def _pixel(inches: float) -> int:
    return round(inches * DPI)


@cache
def _rgb(color: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(color)


@lru_cache(4096)  # the same numbers and words stand in the pictures of all runs of a sweep
def _mask(text: str, size: float) -> tuple[NDArray[np.uint8], float, float]:
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

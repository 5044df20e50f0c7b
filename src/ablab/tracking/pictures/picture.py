"""A picture that matplotlib's renderer draws, without matplotlib's figures.

Those take ten times as long, half a second of processor time for the pictures of one run.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablab.tracking.pictures.style import DPI, INK, WIDTH, label, text_mask

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
        mask, across, height = text_mask(text, size)
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


def _pixel(inches: float) -> int:
    return round(inches * DPI)


@cache
def _rgb(color: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(color)

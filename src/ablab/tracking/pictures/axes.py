"""Two scales in a rectangle of a picture: their frame, grid, ticks and titles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablab.tracking.pictures.picture import Box, Picture
from ablab.tracking.pictures.style import FRAME, GRID, INK


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

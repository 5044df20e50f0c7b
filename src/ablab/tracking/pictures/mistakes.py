"""Picture of the most confident mistakes: images with their predicted and true classes."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.picture_data import Bytes, MistakenImages
from ablab.tracking.pictures.style import (
    INK,
    MUTED,
    VERMILION,
    WIDTH,
    image_axes,
    label,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 5
_CELL = WIDTH / _COLUMNS  # inches
_IMAGE, _GAP, _TEXT = 0.92, 0.1, 0.42  # inches: side of an image, above it, of its text
_LABEL = 15  # characters


def mistakes_picture(mistakes: MistakenImages, names: Sequence[str], title: str) -> "Figure":
    """Return a figure of the most confident mistakes of a test, the most confident first.

    Below each image are the predicted class with its confidence, and the true class.

    Args:
        mistakes: at least one.
        names: of all classes.
        title: title of the figure.
    """
    count = len(mistakes.images)
    rows = math.ceil(count / _COLUMNS)
    cell = _IMAGE + _GAP + _TEXT
    height = rows * cell + 0.85
    figure = new_figure(title, height)
    heading = "Most confident mistakes: predicted class and confidence, true class"
    top = height - 0.5
    figure.text(0.5, top / height, heading, ha="center", color=MUTED, fontsize=9)
    pixels = to_rgb(mistakes.images)
    for n in range(count):
        left, above = (n % _COLUMNS) * _CELL, top - (n // _COLUMNS) * cell - _GAP
        bottom = above - _IMAGE
        axes = image_axes(figure, left + (_CELL - _IMAGE) / 2, bottom, _IMAGE, _IMAGE)
        axes.imshow(pixels[n], interpolation="nearest")
        center = (left + _CELL / 2) / WIDTH
        predicted, true = (
            label(names[k], _LABEL) if 0 <= k < len(names) else str(k)
            for k in (int(mistakes.predicted[n]), int(mistakes.target[n]))
        )
        confidence = f"{math.floor(1000 * mistakes.confidence[n]) / 10:.1f} %"
        lines = ((f"{predicted} {confidence}", VERMILION), (f"is {true}", INK))
        for number, (text, color) in enumerate(lines):
            y = (bottom - 0.04 - 0.16 * number) / height
            style = {"ha": "center", "va": "top", "fontsize": 8, "parse_math": False}
            figure.text(center, y, text, color=color, **style)
    return figure


def to_rgb(images: Bytes) -> NDArray[np.uint8]:
    """Return images (n, C, H, W) as (n, H, W, 3): one or three channels, else their mean in gray.

    Args:
        images: bytes.
    """
    if images.shape[1] not in (1, 3):
        images = images.mean(axis=1, keepdims=True).astype(np.uint8)
    rows = images.transpose(0, 2, 3, 1)
    return rows if rows.shape[-1] == 3 else rows.repeat(3, axis=-1)

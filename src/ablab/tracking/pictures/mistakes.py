"""Picture of the most confident mistakes: images with their predicted and true classes."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.picture_data import Bytes, MistakenImages
from ablab.tracking.pictures.picture import Picture
from ablab.tracking.pictures.style import INK, MUTED, VERMILION, WIDTH, class_label

_COLUMNS = 5
_CELL = WIDTH / _COLUMNS  # inches
_IMAGE, _GAP, _TEXT = 0.92, 0.1, 0.55  # inches: side of an image, above it, of its text
_LABEL = _CELL - 0.05  # inches


def mistakes_picture(mistakes: MistakenImages, names: Sequence[str], title: str) -> Picture:
    """Return a picture of the most confident mistakes of a test, the most confident first.

    Below each image are the predicted class with its confidence, and the true class.

    Args:
        mistakes: at least one.
        names: of all classes.
        title: title of the picture.
    """
    count = len(mistakes.images)
    rows = math.ceil(count / _COLUMNS)
    cell = _IMAGE + _GAP + _TEXT
    height = rows * cell + 0.85
    picture = Picture(title, height)
    heading = "Most confident mistakes: predicted class, its confidence, true class"
    top = height - 0.5
    picture.text(WIDTH / 2, top, heading, color=MUTED, va="bottom")
    for n, pixels in enumerate(to_rgb(mistakes.images)):
        left = (n % _COLUMNS) * _CELL + (_CELL - _IMAGE) / 2
        bottom = top - (n // _COLUMNS) * cell - _GAP - _IMAGE
        picture.image(pixels, (left, bottom, _IMAGE, _IMAGE))
        for number, (text, color) in enumerate(_lines(mistakes, n, names)):
            y = bottom - 0.04 - 0.16 * number
            picture.text(left + _IMAGE / 2, y, text, color=color, size=8, va="top")
    return picture


def _lines(mistakes: MistakenImages, n: int, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the lines below an image, each with its color."""
    predicted, true = (
        class_label(names, k, _LABEL - 0.12, 8)
        for k in (int(mistakes.predicted[n]), int(mistakes.target[n]))
    )
    confidence = math.floor(1000 * mistakes.confidence[n]) / 10  # 99.96 % is not 100.0 %
    return (predicted, VERMILION), (f"{confidence:.1f} %", VERMILION), (f"is {true}", INK)


def to_rgb(images: Bytes) -> NDArray[np.uint8]:
    """Return images (n, C, H, W) as (n, H, W, 3): one or three channels, else their mean in gray.

    Args:
        images: bytes.
    """
    if images.shape[1] not in (1, 3):
        images = images.mean(axis=1, keepdims=True).astype(np.uint8)
    rows = images.transpose(0, 2, 3, 1)
    return rows if rows.shape[-1] == 3 else rows.repeat(3, axis=-1)

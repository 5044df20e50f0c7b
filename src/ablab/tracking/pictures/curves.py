"""Picture of a run's learning curves."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.journal import Entry
from ablab.tracking.pictures.axes import Axes, nice_ticks
from ablab.tracking.pictures.picture import Box, Picture
from ablab.tracking.pictures.style import BLUE, VERMILION

_COLORS = {"train": BLUE, "val": VERMILION}
_FEW_EPOCHS = 30  # whose points are marked
_MARGIN = 0.05  # of the range of the values, on each side

Curves = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def learning_curves(epochs: Sequence[Entry], title: str) -> Picture:
    """Return a picture of training and validation loss and accuracy by epoch.

    Epochs count from 1. Values that are not finite leave a gap.

    Args:
        epochs: the epoch entries of the journal.
        title: title of the picture.
    """
    picture = Picture(title, 3.4)
    last = max(((e.epoch or 0) + 1 for e in epochs), default=1)
    for quantity, left in (("loss", 0.65), ("accuracy", 3.85)):
        _panel(picture, quantity, curves(epochs, quantity), last, (left, 0.55, 2.4, 2.35))
    return picture


def curves(epochs: Sequence[Entry], quantity: str) -> Curves:
    """Return epochs and values of ``loss`` or ``accuracy``, by part: ``train``, ``val``.

    Values that are not finite are NaN.
    """
    found: Curves = {}
    for part in _COLORS:
        name = f"{part}/{quantity}"
        points = [((e.epoch or 0) + 1, e.metrics[name]) for e in epochs if name in e.metrics]
        if points:
            x, y = np.array(points, dtype=np.float64).T
            found[part] = x, np.where(np.isfinite(y), y, np.nan)
    return found


def _panel(picture: Picture, quantity: str, shown: Curves, last: int, box: Box) -> None:
    low, high = _range([y for _, y in shown.values()])
    space = _MARGIN * max(last - 1, 1)
    axes = Axes(picture, box, (1 - space, last + space), (low, high))
    epochs = range(1, last + 1, max(1, math.ceil(last / 8)))
    values, texts = nice_ticks(low, high, 8)
    axes.grid(epochs, values)
    for part, (x, y) in shown.items():
        points = axes.at(x, y)
        picture.line(points, _COLORS[part])
        if last < _FEW_EPOCHS:
            picture.points(points, _COLORS[part], square=part == "val")
    axes.frame()
    axes.x_ticks(epochs, [str(epoch) for epoch in epochs])
    axes.y_ticks(values, texts)
    axes.titles("epoch", quantity, left=box[0] - 0.52)
    for number, part in enumerate(shown):  # the legend, above
        left, up = box[0] + box[2] - 1.25 + 0.68 * number, box[1] + box[3] + 0.1
        picture.line([(left, up), (left + 0.2, up)], _COLORS[part])
        if last < _FEW_EPOCHS:
            picture.points([(left + 0.1, up)], _COLORS[part], square=part == "val")
        picture.text(left + 0.25, up, part, ha="left")


def _range(values: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the ends of a scale that shows all finite values, with a margin."""
    known = np.concatenate([y[np.isfinite(y)] for y in values]) if values else np.zeros(0)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    space = _MARGIN * (high - low) or _MARGIN * abs(high) or _MARGIN
    return low - space, high + space

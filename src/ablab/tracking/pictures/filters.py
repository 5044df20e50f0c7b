"""Picture of the filters of a network's first convolution."""

import math

import numpy as np

from ablab.tracking.picture_data import Values
from ablab.tracking.pictures.axes import color_bar, color_scale, nice_ticks
from ablab.tracking.pictures.picture import Picture
from ablab.tracking.pictures.style import MUTED, WIDTH

_MARGIN = 0.75  # inches; of the scale at the right
_QUANTILE = 0.995  # of the magnitudes; larger ones are drawn like it


def filters_picture(filters: Values, title: str) -> Picture:
    """Return a picture of first-layer filters, all on one scale: a pale filter has small weights.

    Three channels are drawn as the colors that they respond to, with gray as zero. Any other
    number is drawn as the mean over the channels, blue for positive and red for negative weights.

    Args:
        filters: (n, C, height, width) weights.
        title: title of the picture.
    """
    count, channels = filters.shape[:2]
    values, limit = scaled(filters)
    columns = min(count, 8)
    rows = math.ceil(count / columns)
    mosaic = _mosaic(values, rows, columns)
    cell = min((WIDTH - 2 * _MARGIN) / columns, 1.1)
    width, height = columns * cell, rows * cell * mosaic_ratio(filters)
    picture = Picture(title, height + 0.85)
    names = "as colors, gray is 0" if channels == 3 else "blue positive, red negative"
    text = f"First-layer filters, best weights: {count} of {'x'.join(map(str, filters.shape[1:]))}"
    picture.text(WIDTH / 2, height + 0.3, f"{text}, {names}", color=MUTED, va="bottom")
    box = ((WIDTH - width) / 2, 0.15, width, height)
    shares = np.clip(0.5 + mosaic / 2, 0, 1)
    is_border = np.isnan(mosaic[..., 0])
    if channels == 3:
        colors = (255 * np.nan_to_num(shares, nan=1.0)).astype(np.uint8)
    else:
        colors = color_scale("RdBu", np.nan_to_num(shares[..., 0].astype(np.float64)))
    colors[is_border] = 255
    picture.image(colors, box)
    if channels != 3:
        bar = color_bar(picture, ((WIDTH + width) / 2 + 0.1, 0.15, 0.12, height), "RdBu")
        ticks, texts = nice_ticks(-limit, limit, max(2, min(8, int(height / 0.25))))
        bar.y_ticks([0.5 + tick / limit / 2 for tick in ticks], texts, right=True, size=8)
    return picture


def scaled(filters: Values) -> tuple[Values, float]:
    """Return filters (n, C or 1, height, width) on a scale from -1 to 1, and the weight of 1.

    Those of other than three channels are the means over the channels.
    """
    finite = np.where(np.isfinite(filters), filters, 0)
    colors = filters.shape[1] == 3
    values = finite if colors else finite.mean(axis=1, keepdims=True, dtype=np.float32)
    limit = float(np.quantile(np.abs(values), _QUANTILE)) or 1.0
    return (values / limit).astype(np.float32), limit


def mosaic_ratio(filters: Values) -> float:
    """Return height divided by width of one filter, with its border of a pixel."""
    height, width = filters.shape[2:]
    return float((height + 1) / (width + 1))


def _mosaic(filters: Values, rows: int, columns: int) -> Values:
    """Return filters (n, C, h, w) side by side, (rows * (h + 1), columns * (w + 1), C).

    The border between them is NaN.
    """
    count, channels, height, width = filters.shape
    cells = np.full((rows * columns, channels, height + 1, width + 1), np.nan, np.float32)
    cells[:count, :, :height, :width] = filters
    grid = cells.reshape(rows, columns, channels, height + 1, width + 1)
    mosaic = grid.transpose(0, 3, 1, 4, 2)
    return mosaic.reshape(rows * (height + 1), columns * (width + 1), channels)

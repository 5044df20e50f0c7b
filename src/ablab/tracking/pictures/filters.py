"""Picture of the filters of a network's first convolution."""

import math
from typing import TYPE_CHECKING

import numpy as np

from ablab.tracking.picture_data import Values
from ablab.tracking.pictures.style import (
    INK,
    MUTED,
    WIDTH,
    axes_in,
    image_axes,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARGIN = 0.75  # inches; of the scale at the right
_QUANTILE = 0.995  # of the magnitudes; larger ones are drawn like it


def filters_picture(filters: Values, title: str) -> "Figure":
    """Return a figure of first-layer filters, all on one scale: a pale filter has small weights.

    Three channels are drawn as the colors that they respond to, with gray as zero. Any other
    number is drawn as the mean over the channels, blue for positive and red for negative weights.

    Args:
        filters: (n, C, height, width) weights.
        title: title of the figure.
    """
    count, channels = filters.shape[:2]
    finite = np.where(np.isfinite(filters), filters, 0)
    values = finite if channels == 3 else finite.mean(axis=1, keepdims=True, dtype=np.float32)
    limit = float(np.quantile(np.abs(values), _QUANTILE)) or 1.0
    columns = min(count, 8)
    rows = math.ceil(count / columns)
    mosaic = _mosaic((values / limit).astype(np.float32), rows, columns)
    cell = min((WIDTH - 2 * _MARGIN) / columns, 1.1)
    width, height = columns * cell, rows * cell * mosaic_ratio(filters)
    figure = new_figure(title, height + 0.85)
    names = "as colors, gray is 0" if channels == 3 else "blue positive, red negative"
    text = f"First-layer filters, best weights: {count} of {'x'.join(map(str, filters.shape[1:]))}"
    place = (height + 0.3) / (height + 0.85)
    figure.text(0.5, place, f"{text}, {names}", ha="center", color=MUTED, fontsize=9)
    axes = image_axes(figure, (WIDTH - width) / 2, 0.15, width, height)
    if channels == 3:
        colors = np.where(np.isnan(mosaic), 1.0, np.clip(0.5 + mosaic / 2, 0, 1))
        axes.imshow(colors, interpolation="nearest", aspect="auto")
        return figure
    shown = axes.imshow(
        mosaic[..., 0] * limit,
        cmap="RdBu",
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
        aspect="auto",
    )
    bar = axes_in(figure, (WIDTH + width) / 2 + 0.1, 0.15, 0.12, height)
    figure.colorbar(shown, cax=bar)
    bar.tick_params(labelsize=8, colors=INK)
    return figure


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

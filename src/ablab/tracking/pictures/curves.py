"""Picture of a run's learning curves."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ablab.tracking.journal import Entry
from ablab.tracking.pictures.style import BLUE, INK, VERMILION, axes_in, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = {"train": BLUE, "val": VERMILION}
_MARKERS = {"train": "o", "val": "s"}
_FEW_EPOCHS = 30  # whose points have markers


def learning_curves(epochs: Sequence[Entry], title: str) -> "Figure":
    """Return a figure of training and validation loss and accuracy by epoch.

    Epochs count from 1. Values that are not finite leave a gap.

    Args:
        epochs: the epoch entries of the journal.
        title: title of the figure.
    """
    figure = new_figure(title, 3.4)
    last = max(((e.epoch or 0) + 1 for e in epochs), default=1)
    for quantity, left in (("loss", 0.65), ("accuracy", 3.85)):
        axes = axes_in(figure, left, 0.55, 2.4, 2.35)
        axes.set_xlabel("epoch", fontsize=10, color=INK)
        axes.set_ylabel(quantity, fontsize=10, color=INK)
        for part, color in _COLORS.items():
            name = f"{part}/{quantity}"
            points = [((e.epoch or 0) + 1, e.metrics[name]) for e in epochs if name in e.metrics]
            if points:
                x, y = np.array(points, dtype=np.float64).T
                y[~np.isfinite(y)] = np.nan
                marker = _MARKERS[part] if last < _FEW_EPOCHS else ""
                axes.plot(x, y, color=color, label=part, marker=marker, markersize=4)
                axes.legend(frameon=False, fontsize=9)
        axes.set_xticks(range(1, last + 1, max(1, math.ceil(last / 8))))
        axes.grid(alpha=0.3)
    return figure

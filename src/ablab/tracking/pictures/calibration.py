"""Picture of a classifier's calibration: accuracy by confidence."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.pictures.style import (
    BLUE,
    INK,
    MUTED,
    VERMILION,
    axes_in,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 4.95  # inches
_FEW_IMAGES = 20  # a bin of fewer is pale: its accuracy is uncertain


def calibration_curve(table: Mapping[str, NDArray[np.float64]], title: str) -> "Figure":
    """Return a figure of accuracy by confidence, and of the images in each bin.

    On the diagonal, a confidence of 90 % means 90 % correct; below it, the network claims more
    than it delivers. Bins with fewer than 20 images are pale.

    Args:
        table: columns of ``calibration.csv``, one value per bin.
        title: title of the figure.
    """
    images, width = table["images"], table["to"] - table["above"]
    has_images = images > 0
    share = images / max(images.sum(), 1)
    figure = new_figure(title, _HEIGHT)
    axes = axes_in(figure, 0.75, 1.6, 5.3, 2.55)
    shades = np.where(images < _FEW_IMAGES, 0.3, 0.9)[has_images].tolist()
    bars = axes.bar(
        table["above"][has_images],
        100 * table["accuracy"][has_images],
        width[has_images],
        align="edge",
        color=BLUE,
        edgecolor="white",
        label="accuracy",
    )
    for bar, alpha in zip(bars, shades, strict=True):
        bar.set_alpha(alpha)
    axes.plot([0, 1], [0, 100], color=VERMILION, linestyle="--", label="perfectly calibrated")
    axes.set(xlim=(0, 1), ylim=(0, 105), xticklabels=[])
    axes.set_ylabel("accuracy, %", fontsize=10, color=INK)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    axes.grid(alpha=0.3)
    counts = axes_in(figure, 0.75, 0.55, 5.3, 0.85)
    counts.bar(table["above"], 100 * share, width, align="edge", color=MUTED, edgecolor="white")
    ticks = np.arange(0, 1.01, 0.2)
    counts.set(xlim=(0, 1), ylim=(0, 105), xticks=ticks)
    counts.set_xticklabels([f"{100 * tick:.0f}" for tick in ticks])
    counts.set_xlabel("confidence: probability of the predicted class, %", fontsize=10, color=INK)
    counts.set_ylabel("images, %", fontsize=10, color=INK)
    for number, line in enumerate(summary(table)):
        y = 4.45 - 0.22 * number
        figure.text(0.5, y / _HEIGHT, line, ha="center", color=INK, fontsize=10)
    return figure


def summary(table: Mapping[str, NDArray[np.float64]]) -> tuple[str, ...]:
    """Return two lines: the expected calibration error; mean confidence and accuracy."""
    images = table["images"]
    total = images.sum()
    if not total:
        return ("no image with a known confidence",)
    confidence, accuracy = (np.nan_to_num(table[name]) for name in ("confidence", "accuracy"))
    error = float((images * np.abs(confidence - accuracy)).sum() / total)
    means = [100 * float((images * v).sum() / total) for v in (confidence, accuracy)]
    gap = means[0] - means[1]
    sign = "as confident as accurate" if abs(gap) < 0.05 else ""
    sign = sign or ("overconfident" if gap > 0 else "underconfident")
    digits = 1 if error >= 0.01 or math.isclose(error, 0) else 2
    return (
        f"expected calibration error {100 * error:.{digits}f} %",
        f"mean confidence {means[0]:.1f} %, accuracy {means[1]:.1f} %: {sign}",
    )

"""Picture of a classifier's calibration: accuracy by confidence."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.pictures.axes import Axes
from ablab.tracking.pictures.picture import Picture
from ablab.tracking.pictures.style import BLUE, MUTED, VERMILION, WIDTH

_HEIGHT = 4.95  # inches
_FEW_IMAGES = 20  # a bin of fewer is pale: its accuracy is uncertain


def calibration_curve(table: Mapping[str, NDArray[np.float64]], title: str) -> Picture:
    """Return a picture of accuracy by confidence, and of the images in each bin.

    On the diagonal, a confidence of 90 % means 90 % correct; below it, the network claims more
    than it delivers. Bins with fewer than 20 images are pale.

    Args:
        table: columns of ``calibration.csv``, one value per bin.
        title: title of the picture.
    """
    picture = Picture(title, _HEIGHT)
    for number, line in enumerate(summary(table)):
        picture.text(WIDTH / 2, 4.45 - 0.22 * number, line, size=10, va="bottom")
    axes = Axes(picture, (0.75, 1.6, 5.3, 2.55), (0, 1), (0, 105))
    counts = Axes(picture, (0.75, 0.55, 5.3, 0.85), (0, 1), (0, 105))
    ticks, shares = [0, 0.2, 0.4, 0.6, 0.8, 1.0], [0, 20, 40, 60, 80, 100]
    axes.grid(ticks, shares)
    for left, width, accuracy, share, alpha in bars(table):
        for each, height, color, shade in (
            (axes, accuracy, BLUE, alpha),
            (counts, share, MUTED, 1.0),
        ):
            corners = each.at([left, left + width], [0, height])
            (x0, y0), (x1, y1) = corners
            picture.rectangle((x0, y0, x1 - x0, y1 - y0), color, shade, "white")
    picture.line(axes.at([0, 1], [0, 100]), VERMILION, dashed=True)
    axes.frame()
    axes.x_ticks(ticks, [""] * len(ticks))
    axes.y_ticks(shares, [str(share) for share in shares])
    counts.frame()
    counts.x_ticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
    counts.y_ticks([0, 50, 100], ["0", "50", "100"])
    counts.titles("confidence: probability of the predicted class, %", "images, %", left=0.2)
    picture.text(0.2, 1.6 + 2.55 / 2, "accuracy, %", size=10, upright=True)
    picture.line([(0.85, 4.0), (1.1, 4.0)], VERMILION, dashed=True)
    picture.text(1.2, 4.0, "perfectly calibrated", ha="left")
    picture.rectangle((0.85, 3.74, 0.25, 0.09), BLUE, 0.9)
    picture.text(1.2, 3.785, "accuracy", ha="left")
    return picture


def bars(
    table: Mapping[str, NDArray[np.float64]],
) -> list[tuple[float, float, float, float, float]]:
    """Return left, width, accuracy in %, share of the images in %, and alpha of each bar.

    Bins without images have none.
    """
    images, total = table["images"], max(table["images"].sum(), 1)
    return [
        (
            float(table["above"][i]),
            float(table["to"][i] - table["above"][i]),
            100 * float(table["accuracy"][i]),
            100 * float(images[i] / total),
            0.3 if images[i] < _FEW_IMAGES else 0.9,
        )
        for i in np.flatnonzero(images > 0)
    ]


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

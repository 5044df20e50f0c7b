"""Picture of a confusion matrix."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.csv_text import read_rows
from ablab.tracking.pictures.axes import Axes, color_bar, color_scale
from ablab.tracking.pictures.picture import Picture
from ablab.tracking.pictures.style import INK, MUTED, WIDTH, class_label, text_width

CONFUSION = "confusion_matrix.csv"
_FEW_CLASSES = 12  # whose cells show their counts
_NAMED_CLASSES = 25  # whose names all fit
_TICKS = 10
_LISTED = 8
_LABEL, _LISTED_LABEL = 1.3, 1.9  # inches of a name
_SHARES = (0, 0.01, 0.1, 0.25, 0.5, 1)


def confusion_matrix(counts: NDArray[np.int64], names: Sequence[str], title: str) -> Picture:
    """Return a picture of a confusion matrix, shaded by the share of the true class.

    White is 0 % of a true class, dark blue 100 %, by the square root, so that single mistakes are
    seen. Up to 12 classes, the cells show their counts; with more, the most frequent mistakes are
    listed below, and above 25 classes about ten are named at the axes.

    Args:
        counts: (classes, classes), true class by row, predicted class by column.
        names: (classes,) names.
        title: title of the picture.
    """
    few = len(names) <= _FEW_CLASSES
    step = 1 if len(names) <= _NAMED_CLASSES else max(1, len(names) // _TICKS)
    ticks = range(0, len(names), step)
    labels = [class_label(names, i, _LABEL) for i in ticks]
    mistakes = [] if few else most_frequent(counts, names)
    margin, below = 0.5 + text_width(labels), 0.2 * len(mistakes) + (0.45 if mistakes else 0)
    side = WIDTH - margin - 0.85
    picture = Picture(title, 0.45 + side + margin + below)
    box = (margin, margin + below, side, side)
    axes = Axes(picture, box, (-0.5, len(names) - 0.5), (len(names) - 0.5, -0.5))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture.image(color_scale("Blues", np.sqrt(shares)), box)
    axes.frame()
    axes.x_ticks(ticks, labels, upright=True)
    axes.y_ticks(ticks, labels)
    axes.titles("predicted class", "true class", left=0.2)
    bar = color_bar(picture, (margin + side + 0.1, margin + below, 0.12, side), "Blues")
    texts = [f"{share:.0%}" for share in _SHARES]
    bar.y_ticks([math.sqrt(share) for share in _SHARES], texts, right=True, size=8)
    if few:
        _write_counts(axes, counts, shares)
    if mistakes:
        _list_mistakes(picture, mistakes)
    return picture


def read_confusion(path: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Return class names and counts (classes, classes) of a confusion matrix's CSV file.

    Its first line has an empty cell and the names of the predicted classes, each further line the
    name of a true class and its counts.
    """
    header, *rows = read_rows(path)
    counts = np.array([row[1:] for row in rows], dtype=np.float64).astype(np.int64)
    return header[1:], counts.reshape(len(rows), len(header) - 1)


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[Any]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.3 else INK
        if count:
            ((x, y),) = axes.at(column, row)
            axes.picture.text(x, y, str(count), color=color, size=8)


def most_frequent(counts: NDArray[np.int64], names: Sequence[str]) -> list[str]:
    """Return lines on the most frequent pairs of true and predicted class, the largest first."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_LISTED]
    pairs = [np.unravel_index(index, wrong.shape) for index in order]
    shown = [[class_label(names, int(k), _LISTED_LABEL) for k in pair] for pair in pairs]
    return [
        f"{true} → {predicted}:  {wrong[pair]} of {counts[pair[0]].sum()}"
        for pair, (true, predicted) in zip(pairs, shown, strict=True)
        if wrong[pair]
    ]


def _list_mistakes(picture: Picture, lines: Sequence[str]) -> None:
    top = 0.2 * len(lines) + 0.2
    heading = "Most frequent mistakes, true → predicted class"
    picture.text(0.19, top, heading, color=MUTED, ha="left", va="bottom")
    for number, line in enumerate(lines, 1):
        picture.text(0.19, top - 0.2 * number, line, ha="left", va="bottom")

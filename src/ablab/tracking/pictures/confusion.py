"""Picture of a confusion matrix."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.csv_text import read_rows
from ablab.tracking.pictures.style import (
    INK,
    MUTED,
    WIDTH,
    axes_in,
    class_label,
    new_figure,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONFUSION = "confusion_matrix.csv"
_FEW_CLASSES = 12  # whose cells show their counts
_NAMED_CLASSES = 25  # whose names all fit
_TICKS = 10
_LISTED = 8
_LABEL, _LISTED_LABEL = 1.3, 1.9  # inches of a name
_SHARES = (0, 0.01, 0.1, 0.25, 0.5, 1)


def confusion_matrix(counts: NDArray[np.int64], names: Sequence[str], title: str) -> "Figure":
    """Return a figure of a confusion matrix, shaded by the share of the true class.

    White is 0 % of a true class, dark blue 100 %, by the square root, so that single mistakes are
    seen. Up to 12 classes, the cells show their counts; with more, the most frequent mistakes are
    listed below, and above 25 classes about ten are named at the axes.

    Args:
        counts: (classes, classes), true class by row, predicted class by column.
        names: (classes,) names.
        title: title of the figure.
    """
    few = len(names) <= _FEW_CLASSES
    step = 1 if len(names) <= _NAMED_CLASSES else max(1, len(names) // _TICKS)
    ticks = range(0, len(names), step)
    labels = [class_label(names, i, _LABEL) for i in ticks]
    mistakes = [] if few else _most_frequent(counts, names)
    margin, below = 0.5 + text_width(labels), 0.2 * len(mistakes) + (0.45 if mistakes else 0)
    side = WIDTH - margin - 0.85
    figure = new_figure(title, 0.45 + side + margin + below)
    axes = axes_in(figure, margin, margin + below, side, side)
    axes.set_xlabel("predicted class", fontsize=10, color=INK)
    axes.set_ylabel("true class", fontsize=10, color=INK)
    axes.set_xticks(ticks, labels, rotation=90, parse_math=False)
    axes.set_yticks(ticks, labels, parse_math=False)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    _shade(axes, shares, colors=(margin + side + 0.1, margin + below, 0.12, side))
    if few:
        _write_counts(axes, counts, shares)
    if mistakes:
        _list_mistakes(figure, mistakes)
    return figure


def read_confusion(path: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Return class names and counts (classes, classes) of a confusion matrix's CSV file.

    Its first line has an empty cell and the names of the predicted classes, each further line the
    name of a true class and its counts.
    """
    header, *rows = read_rows(path)
    counts = np.array([row[1:] for row in rows], dtype=np.float64).astype(np.int64)
    return header[1:], counts.reshape(len(rows), len(header) - 1)


def _shade(
    axes: "Axes", shares: NDArray[Any], *, colors: tuple[float, float, float, float]
) -> None:
    """Draw the cells, and their scale at a position in inches."""
    from matplotlib.colors import PowerNorm

    scale = PowerNorm(0.5, 0, 1)
    image = axes.imshow(shares, cmap="Blues", norm=scale, interpolation="auto")
    figure = axes.get_figure()
    assert figure is not None
    bar = axes_in(figure, *colors)  # type: ignore[arg-type] # a figure, not a part of one
    figure.colorbar(image, cax=bar, ticks=_SHARES)
    bar.set_yticklabels([f"{share:.0%}" for share in _SHARES], fontsize=8)


def _write_counts(axes: "Axes", counts: NDArray[np.int64], shares: NDArray[Any]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.3 else INK
        if count:
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=8)


def _most_frequent(counts: NDArray[np.int64], names: Sequence[str]) -> list[str]:
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


def _list_mistakes(figure: "Figure", lines: Sequence[str]) -> None:
    height = figure.get_size_inches()[1]
    top = 0.2 * len(lines) + 0.2
    options: dict[str, Any] = {"fontsize": 9, "parse_math": False}
    heading = "Most frequent mistakes, true → predicted class"
    figure.text(0.03, top / height, heading, color=MUTED, **options)
    for number, line in enumerate(lines, 1):
        figure.text(0.03, (top - 0.2 * number) / height, line, color=INK, **options)

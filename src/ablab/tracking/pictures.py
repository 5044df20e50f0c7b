"""Pictures of one run: learning curves and confusion matrix.

They are drawn without pyplot, whose state is global.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.csv_text import read_rows
from ablab.tracking.journal import Entry
from ablab.tracking.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONFUSION = "confusion_matrix.csv"
_AXES = {"loss": (0.08, 0.15, 0.39, 0.72), "accuracy": (0.58, 0.15, 0.39, 0.72)}
_COLORS = {"train": "#0072b2", "val": "#d55e00"}
_FEW_CLASSES = 12


def draw(run: Run, title: str, folder: Path) -> list[str]:
    """Draw the pictures that the run has data for, as PNG files in ``folder``.

    Returns:
        Their names: ``learning_curves.png``, ``confusion_matrix.png``.
    """
    drawn = []
    epochs = [entry for entry in run.entries() if entry.kind == "epoch"]
    if epochs:
        learning_curves(epochs, title).savefig(folder / "learning_curves.png")
        drawn.append("learning_curves.png")
    if (run.folder / CONFUSION).is_file():
        names, counts = read_confusion(run.folder / CONFUSION)
        confusion_matrix(counts, names, title).savefig(folder / "confusion_matrix.png")
        drawn.append("confusion_matrix.png")
    return drawn


def learning_curves(epochs: Sequence[Entry], title: str) -> "Figure":
    """Return a figure of training and validation loss and accuracy by epoch.

    Values that are not finite leave a gap.

    Args:
        epochs: the epoch entries of the journal.
        title: title of the figure.
    """
    figure = _figure(title, width=9.0, height=3.6)
    for quantity, rectangle in _AXES.items():
        axes = figure.add_axes(rectangle, xlabel="epoch", ylabel=quantity)
        for part, color in _COLORS.items():
            name = f"{part}/{quantity}"
            points = [(e.epoch or 0, e.metrics[name]) for e in epochs if name in e.metrics]
            if points:
                x, y = np.array(points, dtype=np.float64).T
                y[~np.isfinite(y)] = np.nan
                axes.plot(x, y, color=color, label=part, marker="o", markersize=3)
                axes.legend(frameon=False)
        last = max((e.epoch or 0 for e in epochs), default=0)
        axes.set_xticks(range(0, last + 1, max(1, math.ceil(last / 8))))
        axes.grid(alpha=0.3)
    return figure


def confusion_matrix(counts: NDArray[np.int64], names: Sequence[str], title: str) -> "Figure":
    """Return a figure of a confusion matrix, shaded by the share of the true class.

    White is 0 % of a true class, dark blue 100 %. Up to 12 classes, the cells show their counts;
    with more, a class is a pixel or more and about ten classes are named.

    Args:
        counts: (classes, classes), true class by row, predicted class by column.
        names: (classes,) names.
        title: title of the figure.
    """
    few = len(names) <= _FEW_CLASSES
    figure = _figure(title, width=7.4, height=6.6)
    axes = figure.add_axes((0.16, 0.16, 0.76, 0.76), xlabel="predicted class", ylabel="true class")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    ticks = range(0, len(names), 1 if few else max(1, len(names) // 10))
    # Without `parse_math=False`, matplotlib would typeset text between dollar signs as a formula.
    axes.set_xticks(ticks, [names[i] for i in ticks], rotation=90, parse_math=False)
    axes.set_yticks(ticks, [names[i] for i in ticks], parse_math=False)
    if few:
        _write_counts(axes, counts, shares)
    return figure


def read_confusion(path: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Return class names and counts (classes, classes) of a confusion matrix's CSV file.

    Its first line has an empty cell and the names of the predicted classes, each further line the
    name of a true class and its counts.
    """
    header, *rows = read_rows(path)
    counts = np.array([row[1:] for row in rows], dtype=np.float64).astype(np.int64)
    return header[1:], counts.reshape(len(rows), len(header) - 1)


def _write_counts(axes: "Axes", counts: NDArray[np.int64], shares: NDArray[Any]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black"
        if count:
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=7)


def _figure(title: str, *, width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    figure.suptitle(title, parse_math=False)
    return figure

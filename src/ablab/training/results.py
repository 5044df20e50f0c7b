"""What a finished trial shows: final figures, and tables per class and test image."""

import io
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torchmetrics.functional.classification import multiclass_confusion_matrix

from ablab.tracking.csv_text import to_csv
from ablab.tracking.files import write_atomic
from ablab.tracking.journal import Entry
from ablab.tracking.records import CORRECT
from ablab.training.environment import peak_memory
from ablab.training.recorder import CHOOSES, CPU_UTILIZATION

CONFUSION = "confusion_matrix.csv"
PER_CLASS = "per_class.csv"
CONFIG = "config.yaml"


def write_tables(
    folder: Path,
    predicted: NDArray[np.int64],
    target: NDArray[np.int64],
    class_names: Sequence[str],
    *,
    by_image: bool = True,
) -> list[str]:
    """Write what the test showed and return the names of the files, none without a test.

    Args:
        folder: the run's.
        predicted: (test_images,), class indices.
        target: (test_images,), class indices.
        class_names: K names.
        by_image: the images come in a fixed order, so that which were classified rightly is kept.
    """
    if not predicted.size:
        return []
    matrix = multiclass_confusion_matrix(
        torch.from_numpy(predicted), torch.from_numpy(target), len(class_names)
    ).numpy()
    header = ["true \\ predicted", *class_names]
    rows = [[name, *row] for name, row in zip(class_names, matrix.tolist(), strict=True)]
    write_atomic(folder / CONFUSION, to_csv([header, *rows]))
    write_atomic(folder / PER_CLASS, to_csv(_per_class(matrix, class_names)))
    if not by_image:
        return [CONFUSION, PER_CLASS]
    buffer = io.BytesIO()
    np.save(buffer, np.packbits(predicted == target), allow_pickle=False)
    write_atomic(folder / CORRECT, buffer.getvalue())
    return [CONFUSION, PER_CLASS, CORRECT]


def write_config(folder: Path, config: object) -> None:
    """Write the resolved configuration as YAML."""
    write_atomic(folder / CONFIG, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def chosen(epochs: Sequence[Entry]) -> dict[str, float]:
    """Return the figures of the epoch that validation chose: the first of the best."""
    if not epochs:
        return {}
    best = max(epochs, key=lambda e: (e.metrics[CHOOSES], -(e.epoch or 0)))
    probes = [name for name in best.metrics if name.startswith("probe/")]
    names = ("train/loss", "train/accuracy", "val/loss", "val/accuracy", *probes)
    return {"best/epoch": float(best.epoch or 0), **{n: best.metrics[n] for n in names}}


def measured(epochs: Sequence[Entry], test_seconds: float) -> dict[str, float]:
    """Return the medians over epochs, the sum of all times, and the peak of memory."""
    peaks = [e.measured["memory/peak_bytes"] for e in epochs]
    result = {"memory/peak_bytes": max([*peaks, float(peak_memory())])}
    total = test_seconds
    for name in ("time/epoch_seconds", "throughput/images_per_second", CPU_UTILIZATION):
        if known := [e.measured[name] for e in epochs if name in e.measured]:
            result[name] = median(known)
    for name in ("time/epoch_seconds", "time/validation_seconds"):
        total += sum(e.measured[name] for e in epochs)
    return {**result, "time/total_seconds": total}


def _per_class(matrix: NDArray[np.int64], class_names: Sequence[str]) -> list[list[object]]:
    """Return precision, recall and F1 of each class; where nothing stands to divide by, empty."""
    rows: list[list[object]] = [["class", "images", "predicted", "precision", "recall", "f1"]]
    for k, name in enumerate(class_names):
        right, images, predicted = matrix[k, k], matrix[k].sum(), matrix[:, k].sum()
        ratios = [
            _ratio(right, predicted),
            _ratio(right, images),
            _ratio(2 * right, images + predicted),
        ]
        rows.append([name, int(images), int(predicted), *ratios])
    return rows


def _ratio(part: np.int64, whole: np.int64) -> object:
    return round(float(part / whole), 6) if whole else ""

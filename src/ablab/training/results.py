"""Results of a finished run: final metrics, and tables per class and test image."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from ablab.model.classifier import PLAIN
from ablab.tracking.csv_text import to_csv
from ablab.tracking.files import write_atomic
from ablab.tracking.journal import Entry
from ablab.tracking.records import CORRECT, PLAIN_ATTRIBUTES
from ablab.training.environment import peak_memory
from ablab.training.recorder import CPU_UTILIZATION, SELECTION_METRIC

CONFUSION = "confusion_matrix.csv"
PER_CLASS = "per_class.csv"
CONFIG = "config.yaml"
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's takes a tenth of the time


def write_tables(
    folder: Path,
    predicted: NDArray[np.int64],
    target: NDArray[np.int64],
    class_names: Sequence[str],
    *,
    by_image: bool = True,
) -> list[str]:
    """Write the tables of the test, and return their file names; none without a test.

    Args:
        folder: the run's folder.
        predicted: (test_images,), class indices.
        target: (test_images,), class indices.
        class_names: K names.
        by_image: whether to record the correctness of each image; needs a fixed test order.
    """
    if not predicted.size:
        return []
    size = len(class_names), len(class_names)
    matrix = np.bincount(target * size[1] + predicted, minlength=math.prod(size)).reshape(size)
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


def write_plain_attributes(folder: Path, attributes: dict[str, dict[str, Any]]) -> None:
    """Write what a network counted in training, which its tests saw, as a checkpoint has it."""
    buffer = io.BytesIO()
    torch.save({PLAIN: attributes}, buffer)
    write_atomic(folder / PLAIN_ATTRIBUTES, buffer.getvalue())


def write_config(folder: Path, config: object) -> None:
    """Write the resolved configuration as YAML."""
    text = yaml.dump(config, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    write_atomic(folder / CONFIG, text)


def best_epoch_metrics(epochs: Sequence[Entry]) -> dict[str, float]:
    """Return the metrics of the epoch with the best validation accuracy, of ties the first."""
    if not epochs:
        return {}
    best = max(epochs, key=lambda e: (e.metrics[SELECTION_METRIC], -(e.epoch or 0)))
    probes = [name for name in best.metrics if name.startswith("probe/")]
    names = ("train/loss", "train/accuracy", "val/loss", "val/accuracy", *probes)
    return {"best/epoch": float(best.epoch or 0), **{n: best.metrics[n] for n in names}}


def summarize_measurements(epochs: Sequence[Entry], test_seconds: float) -> dict[str, float]:
    """Return medians over the epochs, the total of all times, and the peak memory."""
    peaks = [e.measured["memory/peak_bytes"] for e in epochs]
    result = {"memory/peak_bytes": max([*peaks, float(peak_memory())])}
    total = test_seconds
    for name in ("time/epoch_seconds", "throughput/images_per_second", CPU_UTILIZATION):
        if values := [e.measured[name] for e in epochs if name in e.measured]:
            result[name] = median(values)
    for name in ("time/epoch_seconds", "time/validation_seconds"):
        total += sum(e.measured[name] for e in epochs)
    return {**result, "time/total_seconds": total}


def _per_class(matrix: NDArray[np.int64], class_names: Sequence[str]) -> list[list[object]]:
    """Return rows of precision, recall and F1 per class; empty cells for undefined ratios."""
    rows: list[list[object]] = [["class", "images", "predicted", "precision", "recall", "f1"]]
    for k, name in enumerate(class_names):
        correct, images, predicted = matrix[k, k], matrix[k].sum(), matrix[:, k].sum()
        ratios = [
            _ratio(correct, predicted),
            _ratio(correct, images),
            _ratio(2 * correct, images + predicted),
        ]
        rows.append([name, int(images), int(predicted), *ratios])
    return rows


def _ratio(part: np.int64, whole: np.int64) -> object:
    return round(float(part / whole), 6) if whole else ""

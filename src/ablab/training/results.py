"""The tables of a finished trial: per class, confusion matrix, correctness of each test image."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torchmetrics.functional.classification import multiclass_confusion_matrix

from ablab.tracking.files import write_atomic
from ablab.tracking.records import CORRECT

CONFUSION = "confusion_matrix.csv"
PER_CLASS = "per_class.csv"
CONFIG = "config.yaml"


def write_tables(
    folder: Path,
    predicted: NDArray[np.int64],
    target: NDArray[np.int64],
    class_names: Sequence[str],
) -> list[str]:
    """Write what the test showed and return the names of the files, none without a test.

    Args:
        folder: the take's.
        predicted: (test_images,), class indices.
        target: (test_images,), class indices.
        class_names: K names.
    """
    if not predicted.size:
        return []
    matrix = multiclass_confusion_matrix(
        torch.from_numpy(predicted), torch.from_numpy(target), len(class_names)
    ).numpy()
    header = ["true \\ predicted", *class_names]
    rows = [[name, *row] for name, row in zip(class_names, matrix.tolist(), strict=True)]
    write_atomic(folder / CONFUSION, _csv([header, *rows]))
    write_atomic(folder / PER_CLASS, _csv(_per_class(matrix, class_names)))
    buffer = io.BytesIO()
    np.save(buffer, np.packbits(predicted == target), allow_pickle=False)
    write_atomic(folder / CORRECT, buffer.getvalue())
    return [CONFUSION, PER_CLASS, CORRECT]


def write_config(folder: Path, config: object) -> str:
    """Write the resolved configuration as YAML and return the file's name."""
    write_atomic(folder / CONFIG, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return CONFIG


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


def _csv(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()

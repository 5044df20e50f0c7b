"""Tables of a test compared with scikit-learn."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ablab.model.epoch_metrics import EpochMetrics, EpochOutputs
from ablab.tracking.pictures.confusion import read_confusion
from ablab.tracking.records import Record
from ablab.training.results import write_config, write_tables

NAMES = ("ant", "bee", "cat, or dog", "Ünicorn", "nobody")


@pytest.fixture
def classes() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, 203)  # the last class has neither images nor predictions
    predicted = np.where(rng.random(203) < 0.6, target, rng.integers(0, 4, 203))
    return predicted, target


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_confusion_matrix_equals_scikit_learns(tmp_path: Path, classes: tuple) -> None:
    predicted, target = classes
    names = write_tables(tmp_path, predicted, target, NAMES)
    header, *body = rows(tmp_path / "confusion_matrix.csv")
    assert header[1:] == [row[0] for row in body] == list(NAMES)
    counts = [[int(count) for count in row[1:]] for row in body]
    assert np.array_equal(counts, confusion_matrix(target, predicted, labels=range(5)))
    assert sorted(names) == sorted(p.name for p in tmp_path.iterdir() if p.is_file())


def test_metrics_per_class_equal_scikit_learns(tmp_path: Path, classes: tuple) -> None:
    predicted, target = classes
    write_tables(tmp_path, predicted, target, NAMES)
    header, *body = rows(tmp_path / "per_class.csv")
    assert header == ["class", "images", "predicted", "precision", "recall", "f1"]
    expected = precision_recall_fscore_support(
        target, predicted, labels=range(5), zero_division=np.nan
    )
    for k, row in enumerate(body):
        assert int(row[1]) == (target == k).sum()
        assert int(row[2]) == (predicted == k).sum()
        ours = [float(cell) if cell else np.nan for cell in row[3:]]
        theirs = [values[k] for values in expected[:3]]
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_constant_prediction_has_no_recall_for_the_other_class(tmp_path: Path) -> None:
    """99 of 100 images are of one class: accuracy is 0.99, recall of the other class is 0."""
    predicted, target = np.zeros(100, np.int64), np.arange(100) // 99
    outputs, metrics = EpochOutputs(), EpochMetrics(2)
    logits = torch.zeros(100, 2).index_fill_(1, torch.tensor([0]), 1.0)
    outputs.add(logits, torch.from_numpy(target), torch.tensor(1.0))
    assert metrics.compute(outputs)["accuracy"].item() == pytest.approx(0.99)
    write_tables(tmp_path, predicted, target, ("often", "once"))
    assert rows(tmp_path / "per_class.csv")[1:] == [
        ["often", "99", "100", "0.99", "1.0", "0.994975"],  # F1: 2 * 99 / 199
        ["once", "1", "0", "", "0.0", "0.0"],
    ]


def test_correctness_of_each_image_is_read_back(tmp_path: Path, classes: tuple) -> None:
    predicted, target = classes
    write_tables(tmp_path, predicted, target, NAMES)
    record = Record("key", "finished", {}, folder=tmp_path, metadata={"test_images": len(target)})
    assert np.array_equal(record.correct(), predicted == target)


def test_without_a_test_there_are_no_tables(tmp_path: Path) -> None:
    nothing = np.empty(0, np.int64)
    assert write_tables(tmp_path, nothing, nothing, NAMES) == []
    assert not [p for p in tmp_path.iterdir() if p.is_file()]


def test_configuration_is_read_back(tmp_path: Path) -> None:
    config = {"seed": 3, "optimizer": {"lr": 1e-05, "betas": [0.9, 0.999]}, "name": "Ü", "x": None}
    write_config(tmp_path, config)
    assert yaml.safe_load((tmp_path / "config.yaml").read_text("utf-8")) == config


def test_class_names_are_not_formulas_and_are_read_back(tmp_path: Path, classes: tuple) -> None:
    names = ["=HYPERLINK(1)", "-1", "'+x", "@b", "plain"]
    write_tables(tmp_path, *classes, names)
    for file in ("confusion_matrix.csv", "per_class.csv"):
        cells = [cell for row in rows(tmp_path / file) for cell in row]
        assert not [cell for cell in cells if cell and cell[0] in "=+-@"]
    read, counts = read_confusion(tmp_path / "confusion_matrix.csv")
    assert read == names
    assert counts.sum() == len(classes[1])

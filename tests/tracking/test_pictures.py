"""Pictures of a run, drawn from its stored values."""

import math
from pathlib import Path

import numpy as np
import pytest
from recorded import begin, epoch, finish

from ablab.tracking.lab import Lab
from ablab.tracking.pictures import confusion_matrix, draw, learning_curves, read_confusion

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_finished_run_has_both_pictures(lab: Lab, tmp_path: Path) -> None:
    run = begin(lab, epochs=2)
    finish(run)
    names = draw(run, "lenet5 · relu · seed 3", tmp_path)
    assert names == ["learning_curves.png", "confusion_matrix.png"]
    assert all((tmp_path / name).read_bytes().startswith(PNG) for name in names)


def test_a_run_without_data_has_none(lab: Lab, tmp_path: Path) -> None:
    assert draw(begin(lab), "t", tmp_path) == []


def test_curves_show_the_values_of_the_journal_with_gaps(tmp_path: Path) -> None:
    epochs = [epoch(0), epoch(1, **{"train/loss": math.inf}), epoch(2, **{"train/loss": math.nan})]
    figure = learning_curves(epochs, "relu · seed 3")
    figure.savefig(tmp_path / "x.png")
    loss, accuracy = figure.axes
    (line,) = loss.lines
    np.testing.assert_array_equal(np.asarray(line.get_ydata()), [1, np.nan, np.nan])
    (line,) = accuracy.lines
    np.testing.assert_array_equal(np.asarray(line.get_xdata()), [0, 1, 2])
    np.testing.assert_array_equal(np.asarray(line.get_ydata()), [0, 0.1, 0.2])
    assert figure.get_suptitle() == "relu · seed 3"


@pytest.mark.parametrize(("classes", "written"), [(2, True), (10, True), (100, False)])
def test_cells_show_counts_for_few_classes(tmp_path: Path, classes: int, written: bool) -> None:
    counts = np.full((classes, classes), 7)
    counts[0] = 0  # a class without images
    figure = confusion_matrix(counts, [f"c{i}" for i in range(classes)], "t")
    figure.savefig(tmp_path / "x.png")
    (axes,) = figure.axes
    assert len(axes.texts) == (classes * (classes - 1) if written else 0)
    (image,) = axes.images
    shares = np.asarray(image.get_array())
    np.testing.assert_allclose(shares.sum(axis=1), [0] + [1] * (classes - 1))


def test_a_confusion_matrix_is_read_with_its_class_names(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(',"a, b",c\n"a, b",2,0\nc,1,3\n')
    names, counts = read_confusion(tmp_path / "c.csv")
    assert names == ["a, b", "c"]
    np.testing.assert_array_equal(counts, [[2, 0], [1, 3]])

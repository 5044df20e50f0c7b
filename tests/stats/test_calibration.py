"""Calibration compared with torchmetrics and with closed forms."""

import math

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from ablab.stats.calibration import NUM_BINS, calibration


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("num_bins", [10, NUM_BINS])
def test_error_equals_torchmetrics(classes: int, num_bins: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    probabilities = (3 * torch.randn(2000, classes, generator=generator)).softmax(1)
    target = torch.randint(classes, (2000,), generator=generator)
    expected = multiclass_calibration_error(probabilities, target, classes, num_bins, "l1")
    confidence, predicted = probabilities.max(1)
    table = calibration(confidence.numpy(), (predicted == target).numpy(), num_bins)
    assert table.error == pytest.approx(expected.item(), abs=1e-6)
    assert table.images.sum() == 2000


def test_a_calibrated_classifier_has_no_error() -> None:
    confidence = np.repeat([0.25, 0.75], 4)
    correct = np.array([1, 0, 0, 0, 1, 1, 1, 0], np.bool_)
    assert calibration(confidence, correct).error == 0


def test_certain_and_always_wrong_is_the_largest_error() -> None:
    assert calibration(np.ones(3), np.zeros(3, np.bool_)).error == 1


def test_an_edge_belongs_to_the_bin_below() -> None:
    table = calibration(np.array([0.0, 0.5, 0.50001, 1.0]), np.ones(4, np.bool_), num_bins=2)
    np.testing.assert_array_equal(table.images, [2, 2])


def test_unknown_confidences_are_left_out() -> None:
    table = calibration(np.array([np.nan, 0.5]), np.array([True, True]))
    assert table.images.sum() == 1
    assert table.error == 0.5
    assert math.isnan(calibration(np.empty(0), np.empty(0, np.bool_)).error)

"""What training stores for the pictures of a run."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ablab.tracking.picture_data import (
    CALIBRATION,
    FILTERS,
    LONGEST_SIDE,
    MISTAKES,
    read_calibration,
    read_filters,
    read_mistakes,
)
from ablab.training.picture_data import TestResults, first_filters, shrink, write_picture_data


def results(images: torch.Tensor) -> TestResults:
    n = len(images)
    mistakes = {
        "images": images.numpy(),
        "target": np.zeros(n, np.int64),
        "predicted": np.ones(n, np.int64),
        "confidence": np.linspace(1, 0.5, n, dtype=np.float32),
    }
    predicted, target = np.array([0, 1, 1]), np.array([0, 0, 1])
    return TestResults(predicted, target, np.array([0.9, 0.8, 0.7], np.float32), mistakes)


def test_files_are_read_back(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5, 2))
    images = torch.arange(2 * 3 * 4 * 4, dtype=torch.uint8).view(2, 3, 4, 4)
    assert write_picture_data(tmp_path, results(images), network) == [
        CALIBRATION,
        MISTAKES,
        FILTERS,
    ]
    mistakes, filters = read_mistakes(tmp_path), read_filters(tmp_path)
    table = read_calibration(tmp_path)
    assert mistakes is not None
    assert filters is not None
    assert table is not None
    np.testing.assert_array_equal(mistakes.images, images.numpy())
    np.testing.assert_array_equal(filters, network[0].weight.detach().numpy())
    assert table["images"].sum() == 3


def test_without_a_test_nothing_is_written(tmp_path: Path) -> None:
    nothing = np.empty(0, np.int64)
    empty = TestResults(nothing, nothing, np.empty(0, np.float32), {})
    assert write_picture_data(tmp_path, empty, nn.Conv2d(1, 1, 3)) == []
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.Sequential(nn.Conv2d(3, 100, 5), nn.Conv2d(100, 3, 3)), (64, 3, 5, 5)),
        (nn.Sequential(nn.Conv2d(3, 8, (1, 3))), (8, 3, 1, 3)),
        (nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 3, 3)), None),  # single pixels
        (nn.Sequential(nn.Conv2d(1, 8, 3)), None),  # after a layer that mixes the channels
        (nn.Linear(3, 3), None),
        (nn.Conv1d(3, 3, 3), None),
    ],
)
def test_filters_are_those_of_the_first_convolution(
    network: nn.Module, shape: tuple[int, ...] | None
) -> None:
    filters = first_filters(network, 3)
    assert (None if filters is None else filters.shape) == shape


@pytest.mark.parametrize(
    ("size", "expected"), [((28, 28), (28, 28)), ((299, 299), (64, 64)), ((1, 640), (1, 64))]
)
def test_images_are_stored_small(size: tuple[int, int], expected: tuple[int, int]) -> None:
    images = torch.full((2, 3, *size), 200, dtype=torch.uint8)
    small = shrink(images)
    assert small.shape[2:] == expected
    assert max(small.shape[2:]) <= LONGEST_SIDE
    assert (small == 200).all()

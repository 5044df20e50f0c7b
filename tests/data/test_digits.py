import numpy as np
import pytest
import sklearn.datasets
import torch

from ablab.data import digits
from ablab.data.errors import DataError


def test_enlarging_is_torchs_bilinear_interpolation():
    images = np.random.default_rng(0).integers(0, 17, (50, 8, 8), np.uint8)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(images)[:, None].double() * (255 / 16),
        scale_factor=4,
        mode="bilinear",
        align_corners=False,
    )[:, 0]
    error = np.abs(digits.enlarge(images) - expected.numpy())
    assert error.max() <= 0.5 + 1e-9  # rounding alone


def test_parts_are_the_first_and_the_last_of_scikit_learns_order():
    arrays = digits.read()
    labels = sklearn.datasets.load_digits().target
    assert arrays["train_images"].shape == (1437, 32, 32, 1)
    assert arrays["test_images"].shape == (360, 32, 32, 1)
    both = np.concatenate([arrays["train_labels"], arrays["test_labels"]])
    np.testing.assert_array_equal(both, labels)


def test_every_class_is_in_both_parts():
    arrays = digits.read()
    for part in ("train", "test"):
        assert np.bincount(arrays[f"{part}_labels"]).min() > 30


def test_no_test_image_is_a_training_image():
    arrays = digits.read()
    train = {image.tobytes() for image in arrays["train_images"]}
    assert not train & {image.tobytes() for image in arrays["test_images"]}


def test_other_digits_are_refused(monkeypatch):
    bunch = sklearn.datasets.load_digits()
    bunch.images[0, 0, 0] += 1
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: bunch)
    with pytest.raises(DataError, match="scikit-learn's digits must have SHA-256"):
        digits.read()

import numpy as np
import pytest
import sklearn.datasets
import torch

from ablab.components.dataset.digits import digits as component
from ablab.data import digits
from ablab.data.errors import DataError


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_enlarging_is_torchs_bilinear_interpolation(factor):
    images = np.random.default_rng(0).integers(0, 17, (50, 8, 8), np.uint8)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(images)[:, None].double() * (255 / 16),
        scale_factor=factor,
        mode="bilinear",
        align_corners=False,
    )[:, 0]
    error = np.abs(digits.enlarge(images, factor) - expected.numpy())
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


@pytest.mark.parametrize("factor", [1, 2])
def test_smaller_images_are_another_entry_of_the_cache(factor, tmp_path, monkeypatch):
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path))
    small, usual = component(enlarge=factor), component()
    assert next(iter(small.test_dataloader()))[0].shape[1:] == (1, 8 * factor, 8 * factor)
    assert small.image_size == 8 * factor
    assert usual.image_size == 32
    assert small.content_hash != usual.content_hash


@pytest.mark.parametrize("factor", [0, 3, True, "2"])
def test_other_factors_are_refused(factor):
    with pytest.raises(ValueError, match=f"dataset.enlarge must be 1, 2 or 4, got {factor}"):
        component(enlarge=factor)

import numpy as np
import pytest

from ablab.data import cifar, cifar_names
from ablab.data.errors import DataError


def record(coarse=3, fine=77, planes=bytes(3072)):
    return bytes([coarse, fine]) + planes


def test_planes_become_channels():
    planes = bytes([1]) * 1024 + bytes([2]) * 1024 + bytes(range(256)) * 4
    arrays = cifar.decode(record(planes=planes), "f")
    assert arrays["images"].shape == (1, 32, 32, 3)
    assert (arrays["images"][..., 0] == 1).all()
    assert (arrays["images"][..., 1] == 2).all()
    assert arrays["images"][0, 1, :3, 2].tolist() == [32, 33, 34]  # row 1 follows row 0
    assert (arrays["coarse"].tolist(), arrays["fine"].tolist()) == ([3], [77])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "f must be records of 3074 bytes, got 0"),
        (record()[:-1], "f must be records of 3074 bytes, got 3073"),
        (record() + b"\0", "f must be records of 3074 bytes, got 3075"),
        (record(coarse=20), "f's coarse labels must be below 20, got 20"),
        (record() + record(fine=100), "f's fine labels must be below 100, got 100"),
    ],
)
def test_other_bytes_are_refused(raw, message):
    with pytest.raises(DataError, match=message):
        cifar.decode(raw, "f")


def test_a_missing_set_names_the_command():
    with pytest.raises(DataError, match=r"`ablab data fetch cifar100`"):
        cifar.read()


def test_class_names_are_the_published_ones(real_data):
    folder = real_data / "cifar-100-binary"
    for kind, names in (("coarse", cifar_names.COARSE), ("fine", cifar_names.FINE)):
        text = (folder / f"{kind}_label_names.txt").read_text()
        assert list(names) == text.split()


def test_real_cifar100_is_the_published_one(real_data):
    arrays = cifar.read()
    assert arrays["train_images"].shape == (50000, 32, 32, 3)
    assert arrays["test_images"].shape == (10000, 32, 32, 3)
    for part, each in (("train", 500), ("test", 100)):  # "500 training and 100 testing images"
        assert (np.bincount(arrays[f"{part}_fine"]) == each).all()
        assert (np.bincount(arrays[f"{part}_coarse"]) == 5 * each).all()
    first = arrays["train_coarse"][0], arrays["train_fine"][0]
    assert (cifar_names.COARSE[first[0]], cifar_names.FINE[first[1]]) == (
        "large_omnivores_and_herbivores",
        "cattle",
    )

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from ablab.data import cifar
from ablab.data.errors import DataError
from ablab.data.sources import CIFAR10, SourceFile


def record(coarse=3, fine=77, planes=bytes(3072)):
    return bytes([coarse, fine]) + planes


def test_planes_become_channels():
    planes = bytes([1]) * 1024 + bytes([2]) * 1024 + bytes(range(256)) * 4
    arrays = cifar.decode(record(planes=planes), "f", cifar.LABELS_100)
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
        cifar.decode(raw, "f", cifar.LABELS_100)


def test_a_record_of_cifar10_has_one_label():
    raw = b"".join(bytes([label]) + bytes([label + 1]) * 3072 for label in (9, 0))
    arrays = cifar.decode(raw, "f", cifar.LABELS_10)
    assert arrays["labels"].tolist() == [9, 0]
    assert [np.unique(image).tolist() for image in arrays["images"]] == [[10], [1]]
    with pytest.raises(DataError, match="f's labels must be below 10, got 10"):
        cifar.decode(bytes([10]) + bytes(3072), "f", cifar.LABELS_10)


def test_the_batches_of_cifar10_are_concatenated(data_folder, monkeypatch):
    folder = data_folder / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    files = []
    for number, file in enumerate(CIFAR10.files):
        raw = (bytes([number]) + bytes(3072)) * 2
        (folder / file.name).write_bytes(raw)
        files.append(SourceFile(file.name, len(raw), hashlib.sha256(raw).hexdigest()))
    monkeypatch.setattr(cifar, "CIFAR10", replace(CIFAR10, files=tuple(files)))
    arrays = cifar.read10()
    assert arrays["train_labels"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert arrays["test_labels"].tolist() == [5, 5]
    assert arrays["train_images"].shape == (10, 32, 32, 3)


@pytest.mark.parametrize(("read", "name"), [(cifar.read10, "cifar10"), (cifar.read100, "cifar100")])
def test_a_missing_data_set_names_the_command(read, name):
    with pytest.raises(DataError, match=f"`ablab data fetch {name}`"):
        read()


def test_class_names_are_the_published_ones(real_data):
    folder = real_data / "cifar-100-binary"
    for kind, names in (("coarse", cifar.COARSE_CLASSES), ("fine", cifar.FINE_CLASSES)):
        text = (folder / f"{kind}_label_names.txt").read_text()
        assert list(names) == text.split()


def test_real_cifar100_is_the_published_one(real_data):
    arrays = cifar.read100()
    assert arrays["train_images"].shape == (50000, 32, 32, 3)
    assert arrays["test_images"].shape == (10000, 32, 32, 3)
    for part, each in (("train", 500), ("test", 100)):  # "500 training and 100 testing images"
        assert (np.bincount(arrays[f"{part}_fine"]) == each).all()
        assert (np.bincount(arrays[f"{part}_coarse"]) == 5 * each).all()
    first = arrays["train_coarse"][0], arrays["train_fine"][0]
    assert (cifar.COARSE_CLASSES[first[0]], cifar.FINE_CLASSES[first[1]]) == (
        "large_omnivores_and_herbivores",
        "cattle",
    )

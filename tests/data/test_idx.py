import gzip
import hashlib
import struct

import numpy as np
import pytest

from ablab.data import idx
from ablab.data.errors import DataError
from ablab.data.sources import MNIST, Source, SourceFile

IMAGES = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def encode(array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def published(arrays):
    files = [
        SourceFile(name, len(raw), hashlib.sha256(raw).hexdigest())
        for name, raw in ((name, encode(array)) for name, array in arrays.items())
    ]
    return Source("fake", "fake", tuple(files), ())


def write(folder, arrays, pack=bytes, suffix=""):
    (folder / "fake").mkdir(parents=True)
    for name, array in arrays.items():
        (folder / "fake" / f"{name}{suffix}").write_bytes(pack(encode(array)))


ARRAYS = {
    "a": IMAGES,
    "b": np.array([3, 1], np.uint8),
    "c": IMAGES[:1],
    "d": np.array([2], np.uint8),
}


def test_decode_inverts_the_encoding():
    np.testing.assert_array_equal(idx.decode(encode(IMAGES), 3, "f"), IMAGES)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "f must be an IDX file"),
        (encode(IMAGES)[:10], "f must be an IDX file"),
        (b"\x1f\x8b" + encode(IMAGES)[2:], "f must be an IDX file .* got '1f 8b 08 03'"),
        (b"\0\0\x0d\x03" + encode(IMAGES)[4:], "f must be of unsigned bytes .* got type 0x0d"),
        (encode(IMAGES[0]) + bytes(9), "f must be of 3 dimensions, got 2"),
        (encode(IMAGES)[:-1], "f must be 18 values long, got 17"),
        (encode(IMAGES) + b"\0", "f must be 18 values long, got 19"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "values long, got 0"),
    ],
)
def test_other_bytes_are_refused(raw, message):
    with pytest.raises(DataError, match=message):
        idx.decode(raw, 3, "f")


@pytest.mark.parametrize(("pack", "suffix"), [(bytes, ""), (gzip.compress, ".gz")])
def test_plain_and_gzipped_files_are_read(data_folder, pack, suffix):
    write(data_folder, ARRAYS, pack, suffix)
    arrays = idx.read(published(ARRAYS), 10)
    np.testing.assert_array_equal(arrays["train_images"][..., 0], IMAGES)
    np.testing.assert_array_equal(arrays["test_labels"], [2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": np.array([3, 10], np.uint8)}, "train labels must be below 10, got 10"),
        ({"d": np.array([2, 2], np.uint8)}, "test labels must be 1, got 2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(data_folder, change, message):
    write(data_folder, ARRAYS | change)
    with pytest.raises(DataError, match=message):
        idx.read(published(ARRAYS | change), 10)


def test_a_missing_data_set_names_folder_and_command(data_folder):
    with pytest.raises(DataError, match=r"`ablab data fetch mnist`") as caught:
        idx.read(MNIST, 10)
    assert str(data_folder / "mnist") in str(caught.value)


def test_real_mnist_is_the_published_one(real_data):
    arrays = idx.read(MNIST, 10)
    assert arrays["train_images"].shape == (60000, 28, 28, 1)
    assert arrays["test_images"].shape == (10000, 28, 28, 1)
    assert arrays["train_labels"][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert arrays["test_labels"][:5].tolist() == [7, 2, 1, 0, 4]
    # Counts of each digit in the training part, as they are widely published.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(arrays["train_labels"]).tolist() == counts

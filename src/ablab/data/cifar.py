"""The binary format of CIFAR-100: records of two labels and a 32x32 image in three planes.

The release for Python is made of pickles, which can run code: it is never read.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

import numpy as np

from ablab.data import cifar_names, content
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes
from ablab.data.sources import CIFAR100

_SIZE = 32
_RECORD = 2 + 3 * _SIZE * _SIZE
_NUM_CLASSES = {"coarse": len(cifar_names.COARSE), "fine": len(cifar_names.FINE)}


def decode(raw: bytes, name: str) -> dict[str, Bytes]:
    """Return the images and labels of one file.

    Args:
        raw: the whole file.
        name: what to call it in an error.

    Returns:
        ``images`` (N, 32, 32, 3), and ``coarse`` (0 to 19) and ``fine`` (0 to 99) labels (N,).

    Raises:
        DataError: it is not whole records, or has a label out of range.
    """
    if not raw or len(raw) % _RECORD:
        raise DataError(f"{name} must be records of {_RECORD} bytes, got {len(raw)} bytes")
    records = np.frombuffer(raw, np.uint8).reshape(-1, _RECORD)
    arrays = {"coarse": records[:, 0], "fine": records[:, 1]}
    for kind, labels in arrays.items():
        if labels.max() >= _NUM_CLASSES[kind]:
            raise DataError(
                f"{name}'s {kind} labels must be below {_NUM_CLASSES[kind]}, got {labels.max()}"
            )
    planes = records[:, 2:].reshape(-1, 3, _SIZE, _SIZE)
    return {"images": planes.transpose(0, 2, 3, 1), **arrays}


def read() -> dict[str, Bytes]:
    """Return CIFAR-100: ``images``, ``coarse`` and ``fine``, each of ``train_`` and ``test_``.

    Raises:
        DataError: a file is missing or not the published one.
    """
    arrays = {}
    for part, file in zip(("train", "test"), CIFAR100.files, strict=True):
        for kind, array in decode(content.read(CIFAR100, file), file.name).items():
            arrays[f"{part}_{kind}"] = array
    return arrays

"""The binary format of CIFAR-10 and CIFAR-100: records of labels and a 32x32 image in three planes.

A record of CIFAR-10 has one label, one of CIFAR-100 a coarse and a fine one. The releases for
Python are made of pickles, which can run code: they are never read.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from collections.abc import Mapping

import numpy as np

from ablab.data import cifar_names, content
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes
from ablab.data.sources import CIFAR10, CIFAR100, Source

_SIZE = 32
LABELS_10 = {"labels": len(cifar_names.CIFAR10)}
LABELS_100 = {"coarse": len(cifar_names.COARSE), "fine": len(cifar_names.FINE)}


def decode(raw: bytes, name: str, num_classes: Mapping[str, int]) -> dict[str, Bytes]:
    """Return the images and labels of one file.

    Args:
        raw: the whole file.
        name: what to call it in an error.
        num_classes: of each of a record's labels, in their order.

    Returns:
        ``images`` (N, 32, 32, 3), and the labels (N,), each below its number of classes.

    Raises:
        DataError: it is not whole records, or has a label out of range.
    """
    record = len(num_classes) + 3 * _SIZE * _SIZE
    if not raw or len(raw) % record:
        raise DataError(f"{name} must be records of {record} bytes, got {len(raw)} bytes")
    records = np.frombuffer(raw, np.uint8).reshape(-1, record)
    arrays = {kind: records[:, column] for column, kind in enumerate(num_classes)}
    for kind, labels in arrays.items():
        if labels.max() >= num_classes[kind]:
            which = "labels" if kind == "labels" else f"{kind} labels"
            rule = f"{name}'s {which} must be below {num_classes[kind]}"
            raise DataError(f"{rule}, got {labels.max()}")
    planes = records[:, len(num_classes) :].reshape(-1, 3, _SIZE, _SIZE)
    return {"images": planes.transpose(0, 2, 3, 1), **arrays}


def read10() -> dict[str, Bytes]:
    """Return CIFAR-10: ``images`` and ``labels``, each of ``train_`` and ``test_``.

    Raises:
        DataError: a file is missing or not the published one.
    """
    return _read(CIFAR10, LABELS_10)


def read100() -> dict[str, Bytes]:
    """Return CIFAR-100: ``images``, ``coarse`` and ``fine``, each of ``train_`` and ``test_``.

    Raises:
        DataError: a file is missing or not the published one.
    """
    return _read(CIFAR100, LABELS_100)


def _read(source: Source, num_classes: Mapping[str, int]) -> dict[str, Bytes]:
    """Return the arrays of a release, whose last file is the test part."""
    files = [decode(content.read(source, f), f.name, num_classes) for f in source.files]
    arrays = {}
    for part, some in (("train", files[:-1]), ("test", files[-1:])):
        for kind in some[0]:
            arrays[f"{part}_{kind}"] = np.concatenate([file[kind] for file in some])
    return arrays

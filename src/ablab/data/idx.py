"""The IDX format, in which MNIST and similar data sets are published.

A file consists of two zero bytes, a byte for the type of the values, one for the number of
dimensions, the sizes as big-endian 32-bit integers, and the values.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats".
"""

import math
import struct

import numpy as np

from ablab.data import content
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes
from ablab.data.sources import Source

_UNSIGNED_BYTE = 0x08


def decode(raw: bytes, num_dims: int, name: str) -> Bytes:
    """Return the array in an IDX file of unsigned bytes.

    Args:
        raw: the whole file.
        num_dims: number of dimensions it must have.
        name: of the file, for error messages.

    Raises:
        DataError: it is another kind of file, or its length does not match its header.
    """
    if raw[:2] != b"\0\0" or len(raw) < 4 + 4 * num_dims:
        raise DataError(f"{name} must be an IDX file (starting 00 00), got {raw[:4].hex(' ')!r}")
    if raw[2] != _UNSIGNED_BYTE:
        raise DataError(f"{name} must be of unsigned bytes (type 0x08), got type {raw[2]:#04x}")
    if raw[3] != num_dims:
        raise DataError(f"{name} must be of {num_dims} dimensions, got {raw[3]}")
    shape = struct.unpack_from(f">{num_dims}I", raw, 4)
    start = 4 + 4 * num_dims
    if len(raw) - start != math.prod(shape):
        raise DataError(f"{name} must be {math.prod(shape)} values long, got {len(raw) - start}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def read(source: Source, num_classes: int) -> dict[str, Bytes]:
    """Return the arrays of a data set published as four IDX files.

    Args:
        source: files in the order train images, train labels, test images, test labels.
        num_classes: upper bound of the labels, exclusive.

    Returns:
        ``train_images``, ``test_images`` (N, H, W, 1) and ``train_labels``, ``test_labels`` (N,).

    Raises:
        DataError: a file is missing, not the published one, or has invalid content.
    """
    arrays = {}
    names = ("train_images", "train_labels", "test_images", "test_labels")
    for name, file in zip(names, source.files, strict=True):
        num_dims = 3 if name.endswith("images") else 1
        arrays[name] = decode(content.read(source, file), num_dims, file.name)
    for part in ("train", "test"):
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        if len(images) != len(labels):
            raise DataError(
                f"{source.name}'s {part} labels must be {len(images)}, got {len(labels)}"
            )
        if labels.size and labels.max() >= num_classes:
            raise DataError(
                f"{source.name}'s {part} labels must be below {num_classes}, got {labels.max()}"
            )
        arrays[f"{part}_images"] = images[..., None]
    return arrays

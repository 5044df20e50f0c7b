"""What a run stores for its pictures: confident mistakes, first-layer filters, calibration."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from ablab.errors import InputError
from ablab.tracking.csv_text import read_rows

MISTAKES = "mistakes.npz"
FILTERS = "filters.npz"
CALIBRATION = "calibration.csv"
CALIBRATION_COLUMNS = ("above", "to", "images", "confidence", "accuracy")
MOST_MISTAKES = 25
MOST_FILTERS = 64
LONGEST_SIDE = 64  # pixels of a stored image
_MOST_BYTES = 4_000_000  # decompressed; a record of someone else's may claim anything

Bytes = NDArray[np.uint8]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class MistakenImages:
    """Stores the most confident mistakes of a test, the most confident first.

    Attributes:
        images: (n, C, H, W), the pixels; n <= ``MOST_MISTAKES``, H, W <= ``LONGEST_SIDE``.
        target, predicted: (n,), class indices.
        confidence: (n,), softmax probability of the predicted class.
    """

    images: Bytes
    target: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: Values


def read_mistakes(folder: Path) -> MistakenImages | None:
    """Return the confident mistakes that a run stores; None if it stores none.

    Raises:
        InputError: the file does not hold them.
    """
    arrays = _read(folder / MISTAKES)
    if arrays is None:
        return None
    found = [arrays.get(name) for name in ("images", "target", "predicted", "confidence")]
    images, target, predicted, confidence = found
    if (images is None or target is None or predicted is None or confidence is None) or not (
        images.ndim == 4
        and images.dtype == np.uint8
        and len(images) <= MOST_MISTAKES
        and all(a.shape == (len(images),) for a in (target, predicted, confidence))
        and all(a.dtype.kind == "i" for a in (target, predicted))
        and confidence.dtype.kind == "f"
    ):
        raise InputError(f"{folder / MISTAKES} must hold mistakes of a test, got other arrays")
    return MistakenImages(images, target, predicted, confidence)


def read_filters(folder: Path) -> Values | None:
    """Return the weights (n, C, height, width) of a run's first convolution; None without one.

    Raises:
        InputError: the file does not hold them.
    """
    arrays = _read(folder / FILTERS)
    if arrays is None:
        return None
    filters = arrays.get("filters")
    if filters is None or filters.ndim != 4 or filters.dtype.kind != "f" or not filters.size:
        raise InputError(f"{folder / FILTERS} must hold filters, got other arrays")
    return filters[:MOST_FILTERS]


def read_calibration(folder: Path) -> dict[str, NDArray[np.float64]] | None:
    """Return the columns of a run's calibration table, NaN for empty cells; None without one.

    Raises:
        InputError: the file is not such a table.
    """
    path = folder / CALIBRATION
    if not path.is_file():
        return None
    header, *rows = read_rows(path)
    if tuple(header) != CALIBRATION_COLUMNS or any(len(row) != len(header) for row in rows):
        raise InputError(f"{path} must have the columns {', '.join(CALIBRATION_COLUMNS)}")
    cells = np.array([[float(cell or "nan") for cell in row] for row in rows])
    columns = cells.reshape(len(rows), len(header)).T
    return dict(zip(header, columns, strict=True))


def _read(path: Path) -> Mapping[str, NDArray[Any]] | None:
    """Return the arrays of an ``.npz`` file of at most ``_MOST_BYTES``; None without a file.

    Raises:
        InputError: it is no such file.
    """
    if not path.is_file():
        return None
    try:
        with ZipFile(path) as archive:
            size = sum(_num_bytes(archive, member) for member in archive.infolist())
        if size > _MOST_BYTES:
            raise InputError(f"{path} must hold at most {_MOST_BYTES:,} bytes, got {size:,}")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} must be an .npz file of arrays, got {error}") from error


def _num_bytes(archive: ZipFile, member: ZipInfo) -> int:
    """Return the bytes of an array according to its header, for which NumPy allocates memory."""
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise InputError(f"{member.filename} must be an array of format 1.0, got {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    return math.prod(shape) * int(dtype.itemsize)

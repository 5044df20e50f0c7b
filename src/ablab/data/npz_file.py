"""Opens a user's ``.npz`` file safely: nothing is unpickled, and headers are checked first."""

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ablab.data.errors import DataError
from ablab.data.tree import format_path

Shape = tuple[int, ...]

# First bytes of other kinds of files, for the error message.
_SIGNATURES = (
    (b"", "nothing: it is empty"),
    (b"\x93NUMPY", "a single array (.npy): save several with numpy.savez"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1f\x8b", "a gzip file: unpack it first"),
    (b"\x80", "a pickle, which can run code when it is read"),
    (b"\x89PNG", "a PNG image"),
    (b"version https://git-lfs", "a pointer of Git LFS: fetch the file itself with git lfs pull"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
)
# Exceptions of damaged, encrypted or unusually compressed archives.
_ARCHIVE_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
_WEB = (b"<!doctype", b"<html", b"<?xml", b"<head")


class Header(NamedTuple):
    """Shape and dtype in the header of an array."""

    shape: Shape
    dtype: np.dtype[Any]


@contextmanager
def opened(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the arrays of a file by name, each read on access; none is unpickled.

    Raises:
        DataError: the file is not an ``.npz`` file, or damaged.
    """
    _check_signature(path)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            yield arrays
    except _ARCHIVE_ERRORS as error:
        raise _damaged(path, error) from error


def header(path: Path, name: str) -> Header:
    """Return shape and dtype of an array without reading its values.

    Raises:
        DataError: it holds Python objects, is shorter than its header says, or is not an array.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
            size = archive.getinfo(f"{name}.npy").file_size
            version = np.lib.format.read_magic(stream)
            formats = np.lib.format
            read = formats.read_array_header_1_0
            if version != (1, 0):
                read = formats.read_array_header_2_0
            shape, _, dtype = read(stream)
    except (*_ARCHIVE_ERRORS, ValueError, KeyError) as error:
        raise _damaged(path, error) from error
    if dtype.hasobject:
        raise DataError(
            f"path must hold {_expected(name)} in {name}, got Python objects (dtype object), which "
            f"are never loaded, since that can run code, in {format_path(path)}"
        )
    if math.prod(shape) * dtype.itemsize > size:
        raise _damaged(path, f"{name} is shorter than it says")
    return Header(shape, dtype)


def _expected(name: str) -> str:
    """Return what an array must hold instead of objects, and how to convert it."""
    if name == "class_names":
        return "names as text, numpy.array(names, dtype=str),"
    if name.startswith("y_") or name.endswith("_labels"):
        return "integers, numpy.array(labels, dtype=numpy.int64),"
    return "images of one size and type, numpy.stack(images).astype(numpy.uint8),"


def _check_signature(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            start = stream.read(512)
    except OSError as error:
        raise DataError(
            f"path must be readable, got {format_path(path)}: {error.strerror}"
        ) from error
    if start.startswith(b"PK"):
        return
    if start.lstrip().lower().startswith(_WEB):
        what = "a web page: the download did not bring the file"
    else:
        kinds = [k for magic, k in _SIGNATURES if (start.startswith(magic) if magic else not start)]
        what = kinds[0] if kinds else "something else"
    raise DataError(
        f"path must be an .npz file, as numpy.savez writes it, got {format_path(path)}, which "
        f"holds {what}"
    )


def _damaged(path: Path, error: object) -> DataError:
    return DataError(
        f"path must be a whole .npz file, got {format_path(path)}, which is cut short or damaged: "
        f"{error}"
    )

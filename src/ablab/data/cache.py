"""A disk cache of decoded arrays, memory-mapped so that parallel trials share one copy.

An entry is a folder ``<cache>/<name>/<fingerprint>`` of ``<array>.npy`` and ``meta.json``. It is
written under a lock to a temporary folder and renamed, so that it is complete or absent.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import filelock
import numpy as np

from ablab import folders
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes, ImageSet
from ablab.data.statistics import Histogram, histogram
from ablab.errors import resource_error


@dataclass(frozen=True)
class Cached:
    """The arrays of an image set, with their hashes and a histogram.

    Attributes:
        arrays: by name, memory-mapped copy-on-write.
        hashes: SHA-256 of each array's type, shape and values.
        histogram: of the training part (see `ablab.data.statistics.histogram`), (C, 256).
    """

    arrays: Mapping[str, Bytes]
    hashes: Mapping[str, str]
    histogram: Histogram


class _IncompleteError(Exception):
    """An entry is absent, incompletely written, or has lost a file."""


def load(image_set: ImageSet) -> Cached:
    """Return a set's arrays from the cache, after reading them from their source if needed.

    Raises:
        DataError: the source is missing or damaged, or the cache was changed after it was written.
    """
    folder = _folder(image_set)
    try:
        return _open(folder)
    except _IncompleteError:
        folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"):
        try:
            return _open(folder)  # another process may have written it meanwhile
        except _IncompleteError:
            _create(folder, image_set)
    return _open(folder)


def files(image_set: ImageSet) -> tuple[Path, ...]:
    """Return the files of a set's entry, which `load` has read or written."""
    return tuple(sorted(path for path in _folder(image_set).iterdir() if path.is_file()))


def _folder(image_set: ImageSet) -> Path:
    return folders.cache_folder() / image_set.name / image_set.fingerprint


def changed_entries() -> Iterator[tuple[Path, str]]:
    """Yield each entry whose arrays were changed since they were written, with what is wrong.

    Trials compare an array only if its file has another time than it was written with.
    """
    for meta in sorted(folders.cache_folder().glob("*/*/meta.json")):
        try:
            for name, entry in json.loads(meta.read_text(encoding="utf-8"))["arrays"].items():
                array = np.load(meta.parent / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                if _sha256(array) != entry["sha256"]:
                    yield meta.parent, f"{name}.npy must have the content that was written"
                    break
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            yield meta.parent, f"the entry must be complete, got: {error}"


def remove_entry(folder: Path) -> None:
    """Remove an entry; the next trial that needs it recreates it."""
    with filelock.FileLock(f"{folder}.lock"):
        shutil.rmtree(folder)


def _create(folder: Path, image_set: ImageSet) -> None:
    arrays = image_set.read()
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # left by a process that was killed
    new.mkdir()
    files = {name: _write(new / f"{name}.npy", array) for name, array in arrays.items()}
    counts = histogram(arrays["train_images"]).tolist()
    text = json.dumps({"arrays": files, "histogram": counts})
    with (new / "meta.json").open("w", encoding="utf-8") as stream:
        stream.write(text)
        _sync(stream)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def _write(path: Path, array: Bytes) -> dict[str, Any]:
    array = np.ascontiguousarray(array)
    with path.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
        _sync(stream)
    stat = path.stat()
    return {
        "shape": array.shape,
        "dtype": str(array.dtype),
        "sha256": _sha256(array),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
    }


def _sync(stream: IO[Any]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _open(folder: Path) -> Cached:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        files = meta["arrays"]
        counts = np.array(meta["histogram"], np.int64)
        arrays = {name: _map(folder / f"{name}.npy", entry) for name, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, DataError) or resource_error(error) is not None:
            raise
        raise _IncompleteError from error
    hashes = {name: entry["sha256"] for name, entry in files.items()}
    return Cached(arrays, hashes, counts)


def _map(path: Path, entry: Mapping[str, Any]) -> Bytes:
    stat = path.stat()
    if stat.st_size != entry["size"]:
        raise _IncompleteError
    array: Bytes = np.load(path, mmap_mode="c", allow_pickle=False)
    if stat.st_mtime_ns == entry["mtime_ns"]:
        return array
    if _sha256(array) != entry["sha256"]:
        raise DataError(
            f"{path} must have the content that was written, got another; "
            f"delete {path.parent}, and it is recreated"
        )
    # A copied cache has other times: reset them, so that the hash is computed once only.
    with contextlib.suppress(OSError):
        os.utime(path, ns=(entry["mtime_ns"], entry["mtime_ns"]))
    return array


def _sha256(array: Bytes) -> str:
    digest = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

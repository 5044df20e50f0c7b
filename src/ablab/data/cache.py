"""Decoded arrays on disk, memory-mapped, so that parallel trials share one copy.

An entry is a folder ``<cache>/<name>/<fingerprint>`` of ``<array>.npy`` and ``meta.json``. It is
made under a lock in a folder of its own and renamed, so it is whole or not there.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
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
    """The arrays of an image set, with what is known about them.

    Attributes:
        arrays: by name, memory-mapped copy-on-write.
        hashes: SHA-256 of each array's type, shape and values.
        histogram: of the training part (see `ablab.data.statistics.histogram`), (C, 256).
    """

    arrays: Mapping[str, Bytes]
    hashes: Mapping[str, str]
    histogram: Histogram


class _TornError(Exception):
    """An entry that was not wholly written, or lost a part."""


def load(image_set: ImageSet) -> Cached:
    """Return a set's arrays, from the cache if they are there, else from their source.

    Raises:
        DataError: the source is missing or damaged, or the cache was changed after it was made.
    """
    folder = folders.cache_folder() / image_set.name / image_set.fingerprint
    try:
        return _open(folder)
    except _TornError:
        folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"):
        try:
            return _open(folder)
        except _TornError:
            _make(folder, image_set)
    return _open(folder)


def _make(folder: Path, image_set: ImageSet) -> None:
    arrays = image_set.read()
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # a maker that was killed left it
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
    facts = path.stat()
    return {
        "shape": array.shape,
        "dtype": str(array.dtype),
        "sha256": _sha256(array),
        "size": facts.st_size,
        "mtime_ns": facts.st_mtime_ns,
    }


def _sync(stream: IO[Any]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _open(folder: Path) -> Cached:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        files = meta["arrays"]
        counts = np.array(meta["histogram"], np.int64)
        arrays = {name: _map(folder / f"{name}.npy", facts) for name, facts in files.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, DataError) or resource_error(error) is not None:
            raise
        raise _TornError from error
    hashes = {name: facts["sha256"] for name, facts in files.items()}
    return Cached(arrays, hashes, counts)


def _map(path: Path, facts: Mapping[str, Any]) -> Bytes:
    found = path.stat()
    if found.st_size != facts["size"]:
        raise _TornError
    array: Bytes = np.load(path, mmap_mode="c", allow_pickle=False)
    if found.st_mtime_ns == facts["mtime_ns"]:
        return array
    if _sha256(array) != facts["sha256"]:
        raise DataError(
            f"{path} must have the content it was made with, got another; "
            f"delete {path.parent} and it is made anew"
        )
    with contextlib.suppress(OSError):  # a copy that was moved here: looked at once is enough
        os.utime(path, ns=(facts["mtime_ns"], facts["mtime_ns"]))
    return array


def _sha256(array: Bytes) -> str:
    digest = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

"""Bringing the published data sets into the data folder, and looking whether they are right."""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import filelock

from ablab import folders
from ablab.data import archive, content, digits
from ablab.data.download import download, require_space
from ablab.data.errors import DataError
from ablab.data.sources import SOURCES, Source, SourceFile
from ablab.errors import InputError, ResourceError

DATASETS = tuple(SOURCES)
"""The data sets that can be fetched."""

_SLACK = 1 << 20  # gzip never lengthens content by more, for content of this size


class Check(NamedTuple):
    """A file that was looked at, whether it is the published one, and if not, what is wrong."""

    file: str
    ok: bool
    detail: str


def verify(name: str) -> list[Check]:
    """Look at each file of a data set, and at every byte of it.

    Args:
        name: one of `DATASETS`, or ``"digits"``.

    Raises:
        InputError: there is no such data set.
    """
    if name == "digits":
        return [_look("scikit-learn's digits", digits.read)]
    source = _source(name)
    return [_look(file.name, partial(content.read, source, file)) for file in source.files]


def fetch(name: str, progress: bool = True, mirrors: Sequence[str] | None = None) -> list[str]:
    """Bring what is missing of a data set into the data folder; what is right there stays.

    A file that is there but wrong is kept beside it as ``<file>.bad``.

    Args:
        name: one of `DATASETS`, or ``"digits"``, which need nothing.
        progress: show a bar for each download.
        mirrors: addresses, ending in a slash, to use in place of the published ones.

    Returns:
        What was done, a sentence for each file.

    Raises:
        DataError: no address yields the right bytes, or the data folder takes no more.
        InputError: there is no such data set.
    """
    if name == "digits":
        return ["digits come with scikit-learn: nothing to fetch"]
    source = _source(name)
    if all(check.ok for check in verify(name)):  # nothing is written, not even a lock
        return [f"{file.name} is there already, as published" for file in source.files]
    folder = folders.data_folder() / source.folder
    _require_writable(folder)
    with filelock.FileLock(folder.with_name(f".{name}.lock")):
        said, missing = _sort(source)
        mirrors = mirrors or source.mirrors
        if missing and source.archive:
            said += _from_archive(source, source.archive, missing, mirrors, progress)
        elif missing:
            said += _one_by_one(source, missing, mirrors, progress)
    return said


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise InputError(f"the data set must be one of digits, {', '.join(SOURCES)}, got {name}")
    return SOURCES[name]


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ResourceError(
            f"{folder} must be a folder that can be written to, got: {error}"
        ) from error


def _look(file: str, read: Callable[[], object]) -> Check:
    try:
        read()
    except DataError as error:
        return Check(file, False, str(error))
    return Check(file, True, "as published")


def _sort(source: Source) -> tuple[list[str], list[SourceFile]]:
    """Return what is to be said of the files that are there, and those that have to come."""
    said, missing = [], []
    for file in source.files:
        path = None
        while path is None and (found := content.find(source, file)):
            try:
                content.read_checked(found, file)
                path = found
            except DataError as error:
                said.append(_set_aside(found, error))
        if path:
            said.append(f"{path.name} is there already, as published")
        else:
            missing.append(file)
    return said, missing


def _set_aside(path: Path, error: DataError) -> str:
    bad = path.with_name(f"{path.name}.bad")
    path.replace(bad)
    return f"{error}; kept as {bad.name}"


def _one_by_one(
    source: Source, missing: Sequence[SourceFile], mirrors: Sequence[str], progress: bool
) -> list[str]:
    """Fetch each missing file as ``<file>.gz``."""
    folder = folders.data_folder() / source.folder
    said = []
    for file in missing:
        path = folder / f"{file.name}.gz"
        address = download(
            [mirror + path.name for mirror in mirrors],
            path,
            file.size + _SLACK,
            partial(content.read_checked, file=file),
            progress=progress,
        )
        said.append(f"{path.name} fetched from {address}")
    return said


def _from_archive(
    source: Source,
    packed: SourceFile,
    missing: Sequence[SourceFile],
    mirrors: Sequence[str],
    progress: bool,
) -> list[str]:
    """Take the missing files out of the archive, which is fetched and removed, or lies there."""
    folder = folders.data_folder() / source.folder
    path = folder.with_name(packed.name)
    check = partial(archive.check, archive=packed)
    require_space(folder, packed.size + sum(file.size for file in missing))
    said = []
    if path.is_file():
        try:
            check(path)
        except DataError as error:
            said.append(_set_aside(path, error))
    if path.is_file():
        archive.unpack(path, missing, folder)
        origin = path.name
    else:
        addresses = [mirror + path.name for mirror in mirrors]
        origin = download(addresses, path, packed.size, check, progress=progress)
        archive.unpack(path, missing, folder)
        path.unlink()
    return [*said, *(f"{file.name} taken out of {origin}" for file in missing)]

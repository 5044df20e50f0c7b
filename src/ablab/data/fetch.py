"""Downloads the published data sets into the data folder, and verifies them."""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import filelock

from ablab import folders
from ablab.data import archive, content, digits
from ablab.data.download import download
from ablab.data.errors import DataError
from ablab.data.sources import SOURCES, Source, SourceFile
from ablab.disk import require_space
from ablab.errors import InputError, ResourceError

DATASETS = tuple(SOURCES)
"""Names of the data sets that can be downloaded."""

_SLACK = 1 << 20  # gzip adds at most this much to files of these sizes


class Check(NamedTuple):
    """A checked file, whether it is the published one, and if not, what is wrong."""

    file: str
    ok: bool
    detail: str


def verify(name: str) -> list[Check]:
    """Check every byte of each file of a data set.

    Args:
        name: one of `DATASETS`, or ``"digits"``.

    Raises:
        InputError: there is no such data set.
    """
    if name == "digits":
        return [_check("scikit-learn's digits", digits.read)]
    source = _source(name)
    return [_check(file.name, partial(content.read, source, file)) for file in source.files]


def is_present(name: str) -> bool:
    """Return whether the data folder holds any file of a data set, damaged or not."""
    source = _source(name)
    return any(content.find(source, file) for file in source.files)


def fetch(name: str, progress: bool = True, mirrors: Sequence[str] | None = None) -> list[str]:
    """Download the missing files of a data set into the data folder.

    A damaged file is renamed to ``<file>.bad`` first.

    Args:
        name: one of `DATASETS`, or ``"digits"``, which need no download.
        progress: show a bar for each download.
        mirrors: addresses that end in a slash, instead of the published ones.

    Returns:
        A message for each file.

    Raises:
        DataError: no address serves the published bytes.
        ResourceError: the data folder is not writable, or the disk is full.
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
        messages, missing = _find_missing(source)
        mirrors = mirrors or source.mirrors
        if missing and source.archive:
            messages += _fetch_archive(source, source.archive, missing, mirrors, progress)
        elif missing:
            messages += _fetch_files(source, missing, mirrors, progress)
    return messages


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


def _check(file: str, read: Callable[[], object]) -> Check:
    try:
        read()
    except DataError as error:
        return Check(file, False, str(error))
    return Check(file, True, "as published")


def _find_missing(source: Source) -> tuple[list[str], list[SourceFile]]:
    """Return messages on the files that are there, and the missing files."""
    messages, missing = [], []
    for file in source.files:
        path = None
        while path is None and (found := content.find(source, file)):
            try:
                content.read_checked(found, file)
                path = found
            except DataError as error:
                messages.append(_set_aside(found, error))
        if path:
            messages.append(f"{path.name} is there already, as published")
        else:
            missing.append(file)
    return messages, missing


def _set_aside(path: Path, error: DataError) -> str:
    bad = path.with_name(f"{path.name}.bad")
    path.replace(bad)
    return f"{error}; kept as {bad.name}"


def _fetch_files(
    source: Source, missing: Sequence[SourceFile], mirrors: Sequence[str], progress: bool
) -> list[str]:
    """Download each missing file as ``<file>.gz``."""
    folder = folders.data_folder() / source.folder
    messages = []
    for file in missing:
        path = folder / f"{file.name}.gz"
        address = download(
            [mirror + path.name for mirror in mirrors],
            path,
            file.size + _SLACK,
            partial(content.read_checked, file=file),
            progress=progress,
        )
        messages.append(f"{path.name} fetched from {address}")
    return messages


def _fetch_archive(
    source: Source,
    archive_file: SourceFile,
    missing: Sequence[SourceFile],
    mirrors: Sequence[str],
    progress: bool,
) -> list[str]:
    """Unpack the missing files from the archive, which is downloaded and removed if not there."""
    folder = folders.data_folder() / source.folder
    path = folder.with_name(archive_file.name)
    check = partial(archive.check, archive=archive_file)
    needed = archive_file.size + sum(file.size for file in missing)
    require_space(folder, needed, "to download and unpack")
    messages = []
    if path.is_file():
        try:
            check(path)
        except DataError as error:
            messages.append(_set_aside(path, error))
    if path.is_file():
        archive.unpack(path, missing, folder)
        origin = path.name
    else:
        addresses = [mirror + path.name for mirror in mirrors]
        origin = download(addresses, path, archive_file.size, check, progress=progress)
        archive.unpack(path, missing, folder)
        path.unlink()
    return [*messages, *(f"{file.name} unpacked from {origin}" for file in missing)]

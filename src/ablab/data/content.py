"""Reads published files from the data folder, plain or gzipped, and checks their content."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import IO, cast

from ablab import folders
from ablab.data.errors import DataError
from ablab.data.sources import Source, SourceFile
from ablab.errors import resource_error

_GZIP_MAGIC = b"\x1f\x8b"  # no plain file starts so: IDX with zeros, CIFAR with a label < 20


def find(source: Source, file: SourceFile) -> Path | None:
    """Return the path of a file of a source, plain or with ``.gz``, None if it is missing."""
    folder = folders.data_folder() / source.folder
    paths = (folder / file.name, folder / f"{file.name}.gz")
    return next((path for path in paths if path.is_file()), None)


def read(source: Source, file: SourceFile) -> bytes:
    """Return the checked content of a file of a source.

    Raises:
        DataError: it is missing (the message names the folder and the command that fetches it),
            damaged, or not the published one.
    """
    path = find(source, file)
    if path is None:
        raise DataError(
            f"{source.name} must lie in {folders.data_folder() / source.folder}, got no "
            f"{file.name} there; fetch it with `ablab data fetch {source.name}`, "
            "or name the folder above it in ABLAB_DATA"
        )
    return read_checked(path, file)


def read_checked(path: Path, file: SourceFile) -> bytes:
    """Return the content of ``path``, plain or gzipped, after a check against ``file``.

    Raises:
        DataError: it cannot be read or decompressed, or is not the published content.
    """
    try:
        with _opened(path) as stream:
            content = stream.read(file.size + 1)
    except (OSError, EOFError, zlib.error) as error:
        if resource_error(error) is not None:
            raise
        raise DataError(f"{path} must be a whole, readable file, got: {error}") from error
    if len(content) != file.size:
        more = "more" if len(content) > file.size else len(content)
        raise DataError(f"{path} must have {file.size} bytes of content, got {more}")
    got = hashlib.sha256(content).hexdigest()
    if got != file.sha256:
        raise DataError(f"{path} must have content of SHA-256 {file.sha256}, got {got}")
    return content


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        gzipped = stream.read(2) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path, "rb")) if gzipped else path.open("rb")

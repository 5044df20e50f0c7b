"""The content of a published file, as it lies in the data folder: plain or gzipped, and checked."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import IO, cast

from ablab import folders
from ablab.data.errors import DataError
from ablab.data.sources import Source, SourceFile


def find(source: Source, file: SourceFile) -> Path:
    """Return where a file of a source lies, plain or with ``.gz``.

    Raises:
        DataError: it lies nowhere; the message names the folder and the command that fetches it.
    """
    folder = folders.data_folder() / source.folder
    for path in (folder / file.name, folder / f"{file.name}.gz"):
        if path.is_file():
            return path
    raise DataError(
        f"{source.name} must lie in {folder}, got no {file.name} there; "
        f"fetch it with `ablab data fetch {source.name}`, or name the folder above it in ABLAB_DATA"
    )


def read(source: Source, file: SourceFile) -> bytes:
    """Return the checked content of a file of a source.

    Raises:
        DataError: it is missing, broken, or not the published one.
    """
    path = find(source, file)
    content = read_at_most(path, file.size)
    check(path, content, file)
    return content


def read_at_most(path: Path, size: int) -> bytes:
    """Return the content of a plain or gzipped file, one byte more than ``size`` at the most.

    Raises:
        DataError: the file cannot be read or decompressed.
    """
    try:
        with _opened(path) as stream:
            return stream.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} must be a whole, readable file, got: {error}") from error


def check(path: Path, content: bytes, file: SourceFile) -> None:
    """Raise `DataError` unless ``content``, read from ``path``, is what was published."""
    if len(content) != file.size:
        more = "more" if len(content) > file.size else len(content)
        raise DataError(f"{path} must be {file.size} bytes of content, got {more}")
    got = hashlib.sha256(content).hexdigest()
    if got != file.sha256:
        raise DataError(f"{path} must be content of SHA-256 {file.sha256}, got {got}")


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")

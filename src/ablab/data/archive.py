"""Unpacks the named members of an archive, and nothing else."""

import hashlib
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ablab.data.errors import DataError
from ablab.data.sources import SourceFile
from ablab.errors import resource_error

_CHUNK = 1 << 20


def check(path: Path, archive: SourceFile) -> None:
    """Raise `DataError` unless the file at ``path`` is the published archive, byte for byte."""
    with path.open("rb") as stream:
        got = hashlib.file_digest(stream, "sha256").hexdigest()
    if got != archive.sha256:
        raise DataError(f"{path} must have SHA-256 {archive.sha256}, got {got}")


def unpack(path: Path, files: Sequence[SourceFile], folder: Path) -> None:
    """Write the members ``<folder's name>/<file>`` of a gzipped tar archive into ``folder``.

    Members are streamed, not extracted by tarfile: no path, link or mode of the archive takes
    effect. A file appears complete and checked, or not at all.

    Args:
        path: of the archive.
        files: the members to unpack.
        folder: an existing folder.

    Raises:
        DataError: the archive is damaged, or a file is not in it as a regular file of the
            published size and hash.
    """
    wanted = {f"{folder.name}/{file.name}": file for file in files}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                file = wanted.pop(member.name.removeprefix("./"), None)
                if file:
                    _write(_content(archive, member, file), file, folder)
    except (tarfile.TarError, OSError, EOFError) as error:
        if resource_error(error) is not None:
            raise
        raise DataError(f"{path} must be a whole tar.gz archive, got: {error}") from error
    if wanted:
        raise DataError(f"{path} must hold {', '.join(wanted)}, got an archive without")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, file: SourceFile) -> IO[bytes]:
    stream = archive.extractfile(member) if member.isreg() else None
    if stream is None or member.size != file.size:
        kind = f"a file of {member.size} bytes" if stream else "a link or a special file"
        raise DataError(f"{member.name} must be a file of {file.size} bytes, got {kind}")
    return stream


def _write(stream: IO[bytes], file: SourceFile, folder: Path) -> None:
    part = folder / f"{file.name}.part"
    digest = hashlib.sha256()
    with part.open("wb") as target:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != file.sha256:
        part.unlink()
        raise DataError(f"{file.name} must have SHA-256 {file.sha256}, got {digest.hexdigest()}")
    part.replace(folder / file.name)

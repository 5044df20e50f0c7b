"""Tar archives of plain files, written and read one member after the other.

The reader takes nothing but regular files with the names, sizes and checksums that it is told to
expect. Links, devices, folders and extended headers have no meaning here, so none takes effect:
tarfile's own reader would follow them.
"""

import hashlib
import tarfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from ablab.errors import InputError
from ablab.text import format_name
from ablab.tracking.archive.manifest import File

_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 20


class _HashingReader:
    """Reads a file, and computes its SHA-256 meanwhile."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        data = self._stream.read(count)
        self.digest.update(data)
        return data


def write_tar(
    target: BinaryIO,
    first: tuple[str, bytes],
    files: Mapping[str, File],
    sources: Mapping[str, Path],
) -> None:
    """Write a tar archive.

    Args:
        target: written from its current position on; need not be seekable.
        first: name and content of the first member.
        files: size and SHA-256 by member name.
        sources: path by member name.

    Raises:
        InputError: a file changed since its size and checksum were taken.
        OSError: it cannot be written.
    """
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(_member(first[0], len(first[1])), BytesIO(first[1]))
        for name, file in files.items():
            with sources[name].open("rb") as stream:
                reader = _HashingReader(stream)
                try:
                    archive.addfile(_member(name, file.size), reader)
                except OSError as error:
                    if error.errno is not None:
                        raise
                    raise InputError(_changed(sources[name])) from error  # it ended too early
            if reader.digest.hexdigest() != file.sha256:
                raise InputError(_changed(sources[name]))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member


def _changed(path: Path) -> str:
    return f"{path} must not change during the export, got another content; repeat the command"


class TarReader:
    """Reads the members of a tar archive in their order.

    Args:
        stream: of the archive; need not be seekable.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read_first(self, name: str, most: int) -> bytes:
        """Return the content of the first member.

        Raises:
            InputError: it is another file, or larger than ``most`` bytes.
        """
        member = self._next()
        if member is None or member.name != name or member.size > most:
            raise InputError(
                f"file must be an archive of `ablab export-lab`, which starts with {name}"
            )
        parts: list[bytes] = []
        self._copy(member, parts.append)
        return b"".join(parts)

    def read_into(self, name: str, file: File, write: Callable[[bytes], object]) -> None:
        """Pass the content of the next member on, piece by piece.

        Raises:
            InputError: it is not the file that is expected: its name, type, size or content.
        """
        member = self._next()
        if member is None or member.name != name:
            got = "the end" if member is None else format_name(member.name)
            raise InputError(f"archive must go on with {name}, got {got}")
        if member.size != file.size:
            raise InputError(f"{name} must have {file.size} bytes, got {member.size}")
        digest = hashlib.sha256()

        def take(data: bytes) -> None:
            digest.update(data)
            write(data)

        self._copy(member, take)
        if digest.hexdigest() != file.sha256:
            raise InputError(f"{name} must have SHA-256 {file.sha256}, got {digest.hexdigest()}")

    def expect_end(self) -> None:
        """Check that no further member follows.

        Raises:
            InputError: one follows.
        """
        if (member := self._next()) is not None:
            raise InputError(f"archive must end here, got {format_name(member.name)}")

    def _next(self) -> tarfile.TarInfo | None:
        """Return the header of the next member, None at the end of the archive."""
        block = self._stream.read(_BLOCK)
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            return None
        except tarfile.HeaderError as error:
            raise InputError(f"archive must be a whole tar file, got: {error}") from error
        name = format_name(member.name)
        if not member.isreg() or member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise InputError(f"archive must hold files alone, got {name} of another type")
        if member.size < 0:
            raise InputError(f"{name} must have a size >= 0, got {member.size}")
        return member

    def _copy(self, member: tarfile.TarInfo, write: Callable[[bytes], object]) -> None:
        """Pass a member's content on, and skip the padding after it."""
        left = member.size
        while left:
            data = self._stream.read(min(left, _CHUNK))
            if not data:
                raise InputError(f"archive must be whole, got one that ends in {member.name}")
            left -= len(data)
            write(data)
        self._stream.read(-member.size % _BLOCK)

"""Files that are whole or absent: atomic writes, and the sums that prove them."""

import hashlib
import json
import os
import re
import shutil
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from ablab.errors import InputError, ResourceError


class DamagedError(InputError):
    """A file of the lab that is not as ablab wrote it; the message names it."""


_DAY = 86400.0
_PARTIAL = re.compile(r"\..+\.(?P<mark>[0-9a-f]{8}-\d+|\d+)")  # 0.1 wrote the process alone
_TEMPORARY = re.compile(r"ablab-(?P<mark>[0-9a-f]{8}-\d+)-.*")


def write_atomic(path: Path, content: str | bytes | memoryview) -> None:
    """Write ``content`` to ``path`` so that a reader finds the old file or the whole new one.

    Raises:
        OSError: it cannot be written; names the path. The old file is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    with replacing(path) as partial, partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Let the block write a file beside ``path`` that then takes its place, whole or not at all.

    What killed processes left beside it is removed first.

    Yields:
        The path to write to.

    Raises:
        OSError: as the block, naming ``path``; what it wrote is removed.
    """
    remove_abandoned(path.parent, _PARTIAL)
    partial = path.with_name(f".{path.name}.{mark()}")
    with naming(path):
        try:
            yield partial
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)  # on a full disk, it is in the way
            raise
        sync_folder(path.parent)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the path in an error that names none: those of writing, unlike those of opening."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for the block; those that killed processes left are removed first."""
    remove_abandoned(Path(gettempdir()), _TEMPORARY)
    with TemporaryDirectory(prefix=f"ablab-{mark()}-") as folder:
        yield Path(folder)


def mark() -> str:
    """Return what a temporary file's name says of whose it is: this machine and process."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}-{os.getpid()}"


def remove_abandoned(folder: Path, name: re.Pattern[str]) -> None:
    """Remove what processes that are no more left in a folder.

    Args:
        folder: looked at without its folders.
        name: of what may be removed; its group ``mark`` says whose it is.
    """
    with suppress(OSError):  # it is a tidying, which must not keep anybody from working
        for entry in os.scandir(folder):
            found = name.fullmatch(entry.name)
            if found and is_abandoned(found["mark"], entry.stat().st_mtime):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)


def is_abandoned(whose: str, changed: float) -> bool:
    """Tell whether the process of a mark is no more.

    Args:
        whose: its mark, or the number of a process of this machine.
        changed: when it last wrote, seconds since 1970; after a day nobody goes on, whether or
            not the machine is another one or the number was given anew.
    """
    host, _, pid = whose.rpartition("-")
    here = host in ("", mark().partition("-")[0])
    return time.time() - changed > _DAY or (here and not _is_alive(int(pid)))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    try:
        content = json.dumps(value, indent=1, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # bytes of a path that are no UTF-8
        content = json.dumps(value, indent=1).encode()
    write_atomic(path, content + b"\n")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, or None where there is no such file.

    Raises:
        DamagedError: the file is not JSON, or no file; the message names it.
        ResourceError: it may not be read.
    """
    content = read_file(path)
    if content is None:
        return None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path} must be JSON, got {error}") from error
    if value is None:
        raise DamagedError(f"{path} must hold a record, got null")
    return value


def read_file(path: Path, offset: int = 0) -> bytes | None:
    """Return the content of a file of the lab from a byte on, or None where there is none.

    Raises:
        DamagedError: a folder or a link to nothing stands in its place; the message names it.
        ResourceError: it may not be read.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise DamagedError(f"{path} must be a file, got a link to nothing") from None
        return None
    except IsADirectoryError:
        raise DamagedError(f"{path} must be a file, got a folder") from None
    except OSError as error:
        raise ResourceError(f"{path} must be readable, got: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal.

    Raises:
        ResourceError: it may not be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except PermissionError as error:
        raise ResourceError(f"{path} must be readable, got: {error.strerror}") from error

"""Files of a lab: atomic writes, JSON, checksums, and removal of abandoned temporary files."""

import hashlib
import json
import os
import re
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ablab.errors import InputError, ResourceError


class DamagedError(InputError):
    """A file of the lab was changed since ablab wrote it; the message names it."""


_DAY = 86400.0
_SMALL = 2**16  # bytes
MARK = r"[0-9a-f]{8}-\d+(?:-\d+)?"  # what `mark` returns; labs of 0.1 lack the time
PARTIAL = re.compile(rf"\..+\.(?P<mark>{MARK}|\d+)")  # its first labs have the process id alone
TEMPORARY = re.compile(rf"ablab-(?P<mark>{MARK})-.*")


def write_atomic(path: Path, content: str | bytes | memoryview) -> None:
    """Write a file atomically: a reader finds the old content or all of the new.

    Raises:
        OSError: it cannot be written; names the path. The old file is unchanged.
    """
    data = content.encode() if isinstance(content, str) else content
    with replacing(path) as partial, partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace ``path`` atomically by a file that the block writes.

    Temporary files of killed processes in the same folder are removed first.

    Yields:
        The path to write to.

    Raises:
        OSError: raised by the block, with ``path`` as its file name; the new file is removed.
    """
    remove_abandoned(path.parent, PARTIAL)
    partial = path.with_name(f".{path.name}.{mark()}")
    with naming(path):
        try:
            yield partial
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)  # it would take space on a full disk
            raise
        sync_folder(path.parent)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the path to an `OSError` without one: unlike `open`, a failed write names no file."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a temporary folder for the block; those of killed processes are removed first."""
    from tempfile import TemporaryDirectory, gettempdir  # late: whoever only reads needs none

    remove_abandoned(Path(gettempdir()), TEMPORARY)
    with TemporaryDirectory(prefix=f"ablab-{mark()}-") as folder:
        yield Path(folder)


def mark() -> str:
    """Return this machine and process as a part of a temporary file's name.

    It ends with the time at which the process started, since process ids are reused.
    """
    host = f"{zlib.crc32(os.uname().nodename.encode()):08x}"
    return "-".join(filter(None, (host, str(os.getpid()), start_time(os.getpid()))))


def remove_abandoned(folder: Path, name: re.Pattern[str]) -> None:
    """Remove files and folders whose process has ended.

    Args:
        folder: searched, but not its subfolders.
        name: of what may be removed; its group ``mark`` names the process.
    """
    with suppress(OSError):  # tidying up must not prevent the write
        for path in list(find_abandoned(folder, name)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def find_abandoned(folder: Path, name: re.Pattern[str]) -> Iterator[Path]:
    """Yield the files and folders that `remove_abandoned` would remove."""
    with os.scandir(folder) as entries:
        for entry in entries:
            match = name.fullmatch(entry.name)
            if match and is_abandoned(match["mark"], entry.stat(follow_symlinks=False).st_mtime):
                yield Path(entry.path)


def is_abandoned(owner: str, changed: float) -> bool:
    """Return whether the process of a mark has ended.

    Args:
        owner: its mark, with or without the time, or the id of a process of this machine.
        changed: time of its last write, seconds since 1970; after a day it counts as ended, since
            another machine cannot be asked and a process id may be reused.
    """
    host, pid, ticks = [*owner.split("-"), ""][:3] if "-" in owner else ("", owner, "")
    if time.time() - changed > _DAY:
        return True
    if host not in {"", mark().partition("-")[0]}:
        return False
    if not is_alive(int(pid)):
        return True
    now = start_time(int(pid))  # unknown where the system hides the processes of other users
    return bool(ticks and now) and ticks != now


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine lives.

    One that has ended keeps its id until its parent asks for its status. The first process of many
    containers never asks.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        pass
    return _status(pid)[:1] not in (["Z"], ["X"])


def start_time(pid: int) -> str:
    """Return when a process of this machine started, in ticks since the boot; empty if unknown."""
    return "".join(_status(pid)[19:20])


def _status(pid: int) -> list[str]:
    """Return what Linux tells of a process, its state first; nothing elsewhere."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return text.rpartition(") ")[2].split()


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    try:
        content = json.dumps(value, indent=1, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a path with bytes that are not UTF-8
        content = json.dumps(value, indent=1).encode()
    write_atomic(path, content + b"\n")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, or None if there is no such file.

    Raises:
        DamagedError: it is not a file, or not JSON; the message names it.
        ResourceError: it cannot be read.
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
    """Return the content of a file from byte ``offset`` on, or None if there is no such file.

    Raises:
        DamagedError: it is a folder or a broken link; the message names it.
        ResourceError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise DamagedError(f"{path} must be a file, got a broken link") from None
        return None
    except IsADirectoryError:
        raise DamagedError(f"{path} must be a file, got a folder") from None
    except OSError as error:
        raise ResourceError(f"{path} must be readable, got: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal.

    Raises:
        ResourceError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            # `file_digest` fills a quarter of a megabyte with zeros for each file, and most of a
            # lab's files are far smaller.
            if len(start := stream.read(_SMALL)) < _SMALL:
                return hashlib.sha256(start).hexdigest()
            stream.seek(0)
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except PermissionError as error:
        raise ResourceError(f"{path} must be readable, got: {error.strerror}") from error

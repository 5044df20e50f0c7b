"""What killed processes left in a lab, and locks: found for `ablab doctor`, removed with care."""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import gettempdir

from filelock import FileLock, Timeout

from ablab.formatting import format_size
from ablab.text import format_count
from ablab.tracking.files import MARK, TEMPORARY, find_abandoned
from ablab.tracking.lab import Lab
from ablab.tracking.problem import Problem
from ablab.tracking.run import LOCK, Run

_PARTIAL = re.compile(rf"\..+\.(?P<mark>{MARK})")
_QUIET_HOURS = 24
_LISTED = 3
_TRIES = 5


def leftover_problems(lab: Lab) -> Iterator[Problem]:
    """Yield temporary files and empty folders of processes that were killed."""
    files = [path for place, _, _ in os.walk(lab.root) for path in _abandoned(Path(place))]
    if files:
        what = f"temporary file{'s' * (len(files) > 1)} of killed processes"
        yield Problem("leftover", _describe(files, what), partial(_remove, files, what))
    folders = list(find_abandoned(Path(gettempdir()), TEMPORARY))
    if folders:
        what = f"temporary folder{'s' * (len(folders) > 1)} of killed processes"
        yield Problem("leftover", _describe(folders, what), partial(_remove, folders, what))
    empty = [f for f in lab.root.glob("trials/*/*") if f.name.isdigit() and _is_empty(f)]
    if empty:
        what = f"empty folder{'s' * (len(empty) > 1)} of runs that never started"
        yield Problem("leftover", _describe(empty, what), partial(_remove_empty, empty))
    caches = [f for f in lab.root.glob("cache/*/*.new") if f.is_dir() and not _is_held(_lock_of(f))]
    if caches:
        what = f"incomplete cache entr{'ies' if len(caches) > 1 else 'y'} of killed processes"
        yield Problem("leftover", _describe(caches, what), partial(_remove_caches, caches))


def lock_problems(lab: Lab) -> Iterator[Problem]:
    """Yield a file system without locks, and processes that hold a run but write nothing."""
    if lab.root.is_dir() and (reason := _why_no_locks(lab.root)):
        yield Problem(
            "lock",
            f"{lab.root} must be on a file system with locks, got: {reason}; use a lab on another "
            "one (ABLAB_HOME)",
        )
    for run in running(lab):
        hours = (time.time() - _last_write(run)) / 3600
        if hours > _QUIET_HOURS:
            yield Problem(
                "lock",
                f"run {run.key}/{run.number} is held by {_holder(run)}, which has written nothing "
                f"for {hours:.0f} hours; end it if it hangs: the same command then continues",
            )


def running(lab: Lab) -> list[Run]:
    """Return the runs that a living process writes."""
    return [run for key in lab.keys() for run in lab.runs(key) if run.is_locked()]  # noqa: SIM118


def lock_notes(lab: Lab) -> Iterator[str]:
    """Yield a note on each run that is being trained."""
    for run in running(lab):
        yield f"run {run.key}/{run.number} is being trained by {_holder(run)}"


def _abandoned(folder: Path) -> Iterator[Path]:
    try:
        yield from find_abandoned(folder, _PARTIAL)
    except OSError:  # removed meanwhile, or not accessible
        return


def _describe(paths: Sequence[Path], what: str) -> str:
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    size = format_size(sum(_size(path) for path in paths))
    listed = ", ".join(map(str, paths[:_LISTED]))
    return f"{len(paths)} {what}, {size}: {listed}{more}; they can be deleted"


def _size(path: Path) -> int:
    files = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())


def _remove(paths: Sequence[Path], what: str) -> str:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    left = sum(os.path.lexists(path) for path in paths)
    return f"removed {len(paths) - left} {what}"


def _is_empty(folder: Path) -> bool:
    """Return whether a run's folder holds nothing, and no process is about to write it."""
    if not folder.is_dir() or any(folder.iterdir()):
        return False
    return not _is_held(folder.parent / ".lock")


def _remove_empty(folders: Sequence[Path]) -> str:
    removed = 0
    for folder in folders:
        try:
            with FileLock(folder.parent / ".lock", timeout=0):
                folder.rmdir()
                removed += 1
        except (Timeout, OSError):
            continue
    return f"removed {format_count(removed, 'empty folder')}"


def _lock_of(entry: Path) -> Path:
    return entry.with_name(f"{entry.name.removesuffix('.new')}.lock")


def _remove_caches(entries: Sequence[Path]) -> str:
    removed = 0
    for entry in entries:
        try:
            with FileLock(_lock_of(entry), timeout=0):
                shutil.rmtree(entry)
                removed += 1
        except (Timeout, OSError):
            continue
    return f"removed {removed} incomplete cache entr{'y' if removed == 1 else 'ies'}"


def _is_held(path: Path) -> bool:
    """Return whether a process holds a lock; the file is neither created nor changed."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _why_no_locks(folder: Path) -> str:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    finally:
        os.close(descriptor)
    return ""


def _last_write(run: Run) -> float:
    return max(file.stat().st_mtime for file in run.folder.iterdir() if file.is_file())


def _holder(run: Run) -> str:
    """Return which process holds a run's lock, as far as the system tells.

    Linux lists all locks a page at a time, and may skip one while others come and go.
    """
    locks, inode = Path("/proc/locks"), (run.folder / LOCK).stat().st_ino
    for _ in range(_TRIES if locks.is_file() else 0):
        for line in locks.read_text().splitlines():
            words = line.split()
            if "FLOCK" in words and any(word.endswith(f":{inode}") for word in words):
                return f"process {words[words.index('FLOCK') + 3]}"
    return "a process"

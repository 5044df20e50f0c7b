"""The errors that a command prints as one line each, and what each end of a command returns.

An `AblabError` is shown without a traceback. Everything else that is raised is a bug of ablab
and is shown whole.
"""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

FINISHED, FAILED, WRONG_INPUT = 0, 1, 2
BUG, NO_RESOURCE, LOCKED = 70, 74, 75  # EX_SOFTWARE, EX_IOERR and EX_TEMPFAIL of sysexits.h
HUNG_UP, INTERRUPTED, TERMINATED = 129, 130, 143  # 128 and the signal's number, as a shell has it

EXIT_CODES: Mapping[int, str] = {
    FINISHED: "finished",
    FAILED: "a trial failed, or something could not be delivered",
    WRONG_INPUT: "wrong input",
    BUG: "a bug of ablab",
    NO_RESOURCE: "the machine lacks something: disk space, a permission",
    LOCKED: "another process trains the trial",
    HUNG_UP: "SIGHUP",
    INTERRUPTED: "Ctrl-C",
    TERMINATED: "SIGTERM",
}


class AblabError(Exception):
    """An error whose message tells the user what to change.

    Attributes:
        exit_code: what a command that ends with it returns.
    """

    exit_code = WRONG_INPUT


class InputError(AblabError, ValueError):
    """A value or a file that cannot be used: ``<key> must be <rule>, got <value>``."""


class StoreError(AblabError, RuntimeError):
    """MLflow's store refuses what is asked of it, or does not answer."""


class TrialError(AblabError, RuntimeError):
    """A trial that did not come to its end: it raised, or its process was killed."""

    exit_code = FAILED


class ResourceError(AblabError):
    """The machine lacks something: free disk space, a permission, a writable folder.

    The work done so far is kept, and the same command goes on once it is there.
    """

    exit_code = NO_RESOURCE


_OWN = "ask its owner, or use a folder of your own (ABLAB_HOME names the lab, ABLAB_DATA the data)"
_DISK = "be read and written without an error", "check the disk or the network file system"
_FILES = "find a free file descriptor", "raise the limit on open files (`ulimit -n`)"
# What is asked of a path, and what helps, by the error's number.
_RULES: Mapping[int, tuple[str, str]] = {
    errno.ENOSPC: ("have room on its disk", "free some space or inodes (`df -h`, `df -i`)"),
    errno.EDQUOT: ("be within your quota", "free some of it"),
    errno.EFBIG: ("be allowed to grow", "raise the limit on the size of files (`ulimit -f`)"),
    errno.EACCES: ("be open to you", _OWN),
    errno.EPERM: ("be open to you", _OWN),
    errno.EROFS: ("be on a file system that can be written", _OWN),
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.EAGAIN: ("get a further process", "raise the limit on processes (`ulimit -u`)"),
    errno.ENOMEM: ("get the memory it needs", "free some memory"),
    errno.ENAMETOOLONG: ("have a shorter name", "use a folder with a shorter path"),
    errno.ENOLCK: ("be on a file system with locks", "use a folder on another one"),
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ENOTCONN), _DISK),
}
_CHANGED = "be as ablab left it", "put it back, or move the folder that holds it aside"
_CHANGES = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP)
# Messages of errors that come without a number.
_TEXTS: Mapping[str, tuple[str, str]] = {
    r"requested and \d+ written": _RULES[errno.ENOSPC],  # numpy's
    "AF_UNIX path too long": ("have a shorter path", "set TMPDIR to a folder with one"),
    "No usable temporary directory": ("be writable", "set TMPDIR to a folder that is"),
}


def resource_error(error: BaseException, *places: Path) -> ResourceError | None:
    """Return what the machine lacks, or None where the error has another cause.

    Args:
        error: what was raised.
        places: folders that only ablab and the user change: the lab, the data. What is missing
            or of another kind under them was changed from outside.
    """
    if isinstance(error, ResourceError):
        return error
    if not isinstance(error, OSError):
        return None
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    found = next((rule for text, rule in _TEXTS.items() if re.search(text, str(error))), None)
    found = found or _RULES.get(error.errno or 0)
    if found is None and name and error.errno in _CHANGES:
        path = Path(name).absolute()
        found = _CHANGED if any(path.is_relative_to(p.absolute()) for p in places) else None
    if found is None:
        return None
    rule, remedy = found
    subject = name or ("TMPDIR" if "TMPDIR" in remedy else "the command")
    told = f"{subject} must {rule}, got {error.strerror or error}"
    return ResourceError(f"{told}; {remedy}, and the same command goes on")

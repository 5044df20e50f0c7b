"""Errors that a command prints as one line each, and the exit codes of commands.

An `AblabError` is printed without a traceback. Any other exception is a bug of ablab and is
printed with it.
"""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

FINISHED, FAILED, WRONG_INPUT, GATE_FAILED = 0, 1, 2, 3
BUG, NO_RESOURCE, LOCKED = 70, 74, 75  # EX_SOFTWARE, EX_IOERR and EX_TEMPFAIL of sysexits.h
HUNG_UP, INTERRUPTED, TERMINATED = 129, 130, 143  # 128 + signal number, as in shells

EXIT_CODES: Mapping[int, str] = {
    FINISHED: "finished",
    FAILED: "a trial failed or is not reproduced, or something could not be delivered",
    WRONG_INPUT: "wrong input",
    GATE_FAILED: "a comparison meets a condition of --fail-if",
    BUG: "a bug of ablab",
    NO_RESOURCE: "the machine lacks something: disk space, a permission",
    LOCKED: "another process trains the trial",
    HUNG_UP: "SIGHUP",
    INTERRUPTED: "Ctrl-C",
    TERMINATED: "SIGTERM",
}


class AblabError(Exception):
    """An error whose message says what to change.

    Attributes:
        exit_code: of a command that ends with it.
    """

    exit_code = WRONG_INPUT


class InputError(AblabError, ValueError):
    """A value or a file that cannot be used: ``<key> must be <rule>, got <value>``."""


class StoreError(AblabError, RuntimeError):
    """MLflow's store refused a request or does not answer."""


class TrialError(AblabError, RuntimeError):
    """A trial did not finish: it raised an exception, or its process was killed."""

    exit_code = FAILED


class ResourceError(AblabError):
    """The machine lacks a resource: free disk space, a permission, a writable folder.

    Finished work is kept; the same command continues once the resource is available.
    """

    exit_code = NO_RESOURCE


_OWN = "ask its owner, or use a folder of your own (ABLAB_HOME names the lab, ABLAB_DATA the data)"
_DISK = "be read and written without an error", "check the disk or the network file system"
_FILES = "find a free file descriptor", "raise the limit on open files (`ulimit -n`)"
# Rule for a path and remedy, by error number.
_RULES: Mapping[int, tuple[str, str]] = {
    errno.ENOSPC: ("have free space on its disk", "free some space or inodes (`df -h`, `df -i`)"),
    errno.EDQUOT: ("be within your quota", "free some of it"),
    errno.EFBIG: (
        "be allowed to grow further",
        "raise the limit on the size of files (`ulimit -f`)",
    ),
    errno.EACCES: ("be accessible to you", _OWN),
    errno.EPERM: ("be accessible to you", _OWN),
    errno.EROFS: ("be on a file system that can be written", _OWN),
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.EAGAIN: ("start another process", "raise the limit on processes (`ulimit -u`)"),
    errno.ENOMEM: ("get enough memory", "free some memory"),
    errno.ENAMETOOLONG: ("have a shorter name", "use a folder with a shorter path"),
    errno.ENOLCK: ("be on a file system with locks", "use a folder on another one"),
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ENOTCONN), _DISK),
}
_CHANGED = "be as ablab wrote it", "restore it, or move its folder aside"
_CHANGES = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP)
# By message, for errors without a number.
_TEXTS: Mapping[str, tuple[str, str]] = {
    r"requested and \d+ written": _RULES[errno.ENOSPC],  # numpy's
    "AF_UNIX path too long": ("have a shorter path", "set TMPDIR to a folder with one"),
    "No usable temporary directory": ("be writable", "set TMPDIR to a folder that is"),
}


def resource_error(error: BaseException, *folders: Path) -> ResourceError | None:
    """Return an error as a `ResourceError` if the machine caused it, else None.

    Args:
        error: any exception.
        folders: that only ablab writes: the lab, the data. A path in them that is missing or of
            another type was changed from outside.
    """
    if isinstance(error, ResourceError):
        return error
    if not isinstance(error, OSError):
        return None
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    match = next((rule for text, rule in _TEXTS.items() if re.search(text, str(error))), None)
    match = match or _RULES.get(error.errno or 0)
    if match is None and name and error.errno in _CHANGES:
        path = Path(name).absolute()
        match = _CHANGED if any(path.is_relative_to(f.absolute()) for f in folders) else None
    if match is None:
        return None
    rule, remedy = match
    subject = name or ("TMPDIR" if "TMPDIR" in remedy else "the command")
    fault = f"{subject} must {rule}, got {error.strerror or error}"
    return ResourceError(f"{fault}; {remedy}, then repeat the command to continue")

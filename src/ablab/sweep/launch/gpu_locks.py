"""Locks on the GPUs of this host, which all sweeps of all its users share.

A trial that has a whole GPU locks it exclusively. One that has a share locks it together with the
other shares, and its share exclusively. The system releases the locks of a process that ends.
"""

import fcntl
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ablab.sweep.launch.gpus import GPUSlot

FOLDER = Path("/tmp/ablab-gpus")  # not TMPDIR, which may be another folder for each user
_ALL = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


class GPULocks:
    """Locks the GPUs of slots for this process, without waiting.

    Args:
        slots: the slots.
        folder: of the lock files; made for all users if it is missing.
    """

    def __init__(self, slots: Sequence[GPUSlot], folder: Path = FOLDER) -> None:
        self._slots, self._folder = list(slots), folder
        self._held: dict[int, list[int]] = {}

    def is_shared(self, slot: int) -> bool:
        """Return whether a slot has a share of a GPU, not a whole one."""
        return self._slots[slot].share is not None

    def acquire(self, slot: int, *, alone: bool) -> bool:
        """Lock the GPUs of a slot, and return whether no other process has them.

        Args:
            slot: not locked.
            alone: lock the whole GPU even if the slot has a share of it.

        Raises:
            OSError: a lock file cannot be opened.
        """
        share = None if alone else self._slots[slot].share
        wanted = []
        for gpu in self._slots[slot].gpus:
            wanted.append((gpu.identity, fcntl.LOCK_EX if share is None else fcntl.LOCK_SH))
            if share is not None:
                wanted.append((f"{gpu.identity}.{share}", fcntl.LOCK_EX))
        held = self._held[slot] = []
        for name, kind in wanted:
            held.append(self._open(name))
            try:
                fcntl.flock(held[-1], kind | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release(slot)
                return False
        return True

    def release(self, slot: int) -> None:
        """Unlock the GPUs of a slot."""
        for descriptor in self._held.pop(slot, []):
            os.close(descriptor)

    def _open(self, name: str) -> int:
        """Open a lock file, which another user may have made: for reading, which a lock allows."""
        path = self._folder / re.sub(r"[^\w.-]", "_", name)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        while True:
            with suppress(FileNotFoundError):
                return os.open(path, flags)
            with suppress(FileExistsError):
                self._folder.mkdir()
                self._folder.chmod(_ALL | stat.S_ISVTX)  # whatever the umask is
            with suppress(FileExistsError):
                descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL)
                os.fchmod(descriptor, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
                return descriptor

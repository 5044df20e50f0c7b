"""The fork server: started without waiting for it, in a temporary folder that says whose it is."""

import multiprocessing
import os
import re
import shutil
import time
from contextlib import suppress
from multiprocessing import forkserver, util
from pathlib import Path

from ablab.sweep.launch.surroundings import inherited, thread_variables
from ablab.tracking.files import is_abandoned, mark

READY = "ABLAB_FORK_SERVER_READY"  # names the file by which a server says that it is ready
_OWNER = "ablab.owner"
_LONGEST_START = 30.0  # seconds after which a trial is started without waiting for the word


class ForkServer:
    """multiprocessing's one fork server of this process, which imports before it forks.

    Args:
        preload: module that it imports first.
        threads: CPU threads of each process that it forks.
    """

    def __init__(self, preload: str, threads: int) -> None:
        self._threads = threads
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([preload, "ablab.sweep.launch.ready"])
        self._began: float | None = None

    def is_ready(self) -> bool:
        """Start the server where there is none, and tell whether it can fork at once.

        Raises:
            OSError: it cannot be started.
        """
        file = self._temporary_folder() / f"ready-{os.getpid()}"
        with inherited({**thread_variables(self._threads), READY: str(file)}):
            forkserver.ensure_running()
        self._began = self._began or time.monotonic()
        if time.monotonic() - self._began > _LONGEST_START or _lives(file):
            self._began = None
            return True
        return False

    @staticmethod
    def _temporary_folder() -> Path:
        """Return multiprocessing's folder, signed; the first time, remove those of the dead.

        A process that multiprocessing started has its parent's folder, and does not sign it.
        """
        folder = Path(util.get_temp_dir())
        if multiprocessing.parent_process() is None and not (folder / _OWNER).exists():
            _remove_abandoned(folder.parent)
            (folder / _OWNER).write_text(mark())
        return folder


def _lives(file: Path) -> bool:
    """Tell whether the process that a file names is there."""
    try:
        os.kill(int(file.read_text()), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders of sweeps that were killed, which could not do it themselves."""
    for owner in parent.glob(f"pymp-*/{_OWNER}"):
        with suppress(OSError):
            whose = owner.read_text()
            if re.fullmatch(r"[0-9a-f]{8}-\d+", whose) and is_abandoned(whose, time.time()):
                shutil.rmtree(owner.parent, ignore_errors=True)

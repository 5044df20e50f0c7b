"""The fork server: started without waiting for it, in a temporary folder that names its owner."""

import multiprocessing
import os
import re
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from multiprocessing import forkserver, util
from pathlib import Path
from typing import Any

from ablab.sweep.launch.environment import thread_variables, worker_environment
from ablab.tracking.files import MARK, TEMPORARY, is_abandoned, mark, remove_abandoned

PRELOAD = "ablab.sweep.launch.preload"  # all that a trial imports
READY = "ABLAB_FORK_SERVER_READY"  # the variable with the path of the file that `ready` writes
_OWNER = "ablab.owner"
_MAX_START = 30.0  # seconds; then a trial is started whether or not the file was written


class ForkServer:
    """The fork server of this process, of which multiprocessing has one, with its imports.

    Args:
        preload: modules that it imports first, separated by commas.
        threads: CPU threads of each process that it forks.
    """

    def __init__(self, preload: str, threads: int) -> None:
        self._threads = threads
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([*preload.split(","), "ablab.sweep.launch.ready"])
        self._started_at: float | None = None
        self._writes_file = True

    def is_ready(self) -> bool:
        """Start the server if there is none, and return whether it can fork at once.

        Raises:
            OSError: it cannot be started.
        """
        file = self._ready_file()
        with worker_environment({**thread_variables(self._threads), READY: str(file)}):
            forkserver.ensure_running()
        self._started_at = self._started_at or time.monotonic()
        if time.monotonic() - self._started_at > _MAX_START:
            # A server that the program had before is not ours: it never writes the file.
            self._writes_file = False
        if not self._writes_file or _is_running(file):
            self._started_at = None
            return True
        return False

    @classmethod
    def stop_importing(cls) -> None:
        """Kill the server if it is still importing: then nothing was forked from it."""
        server: Any = forkserver._forkserver  # there is no public way
        if server._forkserver_pid is not None and not _is_running(cls._ready_file()):
            with suppress(ProcessLookupError):
                os.kill(server._forkserver_pid, signal.SIGKILL)
            server._stop()

    @classmethod
    def _ready_file(cls) -> Path:
        return cls._temporary_folder() / f"ready-{os.getpid()}"

    @staticmethod
    def _temporary_folder() -> Path:
        """Return multiprocessing's folder, marked as ours; also remove abandoned ones.

        A process that multiprocessing started uses its parent's folder and does not mark it.
        """
        folder = Path(util.get_temp_dir())
        if multiprocessing.parent_process() is None and not (folder / _OWNER).exists():
            (folder / _OWNER).write_text(mark())  # at once: nobody removes an unmarked one
            remove_abandoned_folders()
            # Before multiprocessing removes the folder, at -100: a server that is still importing
            # would write its file into it meanwhile, so that it stays.
            util.Finalize(None, ForkServer.stop_importing, exitpriority=-50)
        return folder


def _is_running(file: Path) -> bool:
    """Return whether the process whose id is in the file is running."""
    try:
        os.kill(int(file.read_text()), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def remove_abandoned_folders() -> None:
    """Remove the temporary folders of processes that were killed and could not remove them."""
    remove_abandoned(Path(tempfile.gettempdir()), TEMPORARY)
    for owner in Path(tempfile.gettempdir()).glob(f"pymp-*/{_OWNER}"):
        with suppress(OSError):
            content = owner.read_text()
            if re.fullmatch(MARK, content) and is_abandoned(content, time.time()):
                shutil.rmtree(owner.parent, ignore_errors=True)

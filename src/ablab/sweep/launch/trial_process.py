"""A trial as a child process of a job on a cluster, which may be a trial of several processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ablab.sweep.launch.environment import thread_variables
from ablab.training.settings import ProcessSettings

MODULE = "ablab.training"
_POLL_SECONDS = 0.2
_STOP_SECONDS = 30.0  # from SIGTERM to SIGKILL
# Lightning would take the process for a rank that SLURM or MPI has started.
_FOREIGN = ("SLURM_", "PMI_", "PMIX_", "OMPI_")


def training_command(folder: Path, settings: ProcessSettings, module: str = MODULE) -> list[str]:
    """Return the command that trains a run: ``python -m ablab.training FOLDER JSON``."""
    return [sys.executable, "-m", module, str(folder), settings.to_json()]


class TrialProcess:
    """Runs the command of a trial, and can stop it from a signal handler.

    Args:
        folder: of the run.
        settings: of `ablab.training.process.run_process`.
        module: run with the run's folder and the settings as arguments.
        variables: added to the environment of this process.
        directory: where it runs; None: where this process does.
    """

    def __init__(
        self,
        folder: Path,
        settings: ProcessSettings,
        module: str = MODULE,
        variables: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self._command = training_command(folder, settings, module)
        self._variables = {**thread_variables(settings.threads), **(variables or {})}
        self._directory = directory
        self._pid: int | None = None

    def run(self) -> int:
        """Train until the command ends, and return its exit status, negative for a signal."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        process = subprocess.Popen(
            self._command,
            env={**environment, **self._variables},
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # SLURM sends the signal that announces the end of a job to each of its processes.
            preexec_fn=lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN),  # noqa: PLW1509
        )
        self._pid = process.pid
        try:
            while (status := process.poll()) is None:
                time.sleep(_POLL_SECONDS)
        finally:
            self.stop()
        return status

    def stop(self) -> None:
        """Send SIGTERM, at which training keeps its last checkpoint, and wait for the end."""
        end = time.monotonic() + _STOP_SECONDS
        self._send(signal.SIGTERM)
        while not self._has_ended():
            if time.monotonic() > end:
                self._send(signal.SIGKILL)
            time.sleep(_POLL_SECONDS)

    def _send(self, number: signal.Signals) -> None:
        """Send a signal to the process, or SIGKILL to all of its group."""
        if self._pid is None or self._has_ended():
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self._pid, number)
            else:
                os.kill(self._pid, number)

    def _has_ended(self) -> bool:
        """Return whether the process has ended; `Popen` has a lock that a handler cannot take."""
        if self._pid is None:
            return True
        try:
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._pid, options) is not None
        except ChildProcessError:  # `Popen` has its status
            return True

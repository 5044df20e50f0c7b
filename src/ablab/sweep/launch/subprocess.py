"""The launcher for trials of several processes (DDP): a plain command, alone on its devices.

Lightning starts the other ranks by running the command of the first one again, so that the trial
must be a command of its own.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from ablab.signals import request_stack
from ablab.sweep.launch.launcher import Worker
from ablab.sweep.launch.slots import Slot
from ablab.sweep.launch.trial_process import MODULE, training_command
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


class SubprocessWorker:
    """A command in a process group of its own, which the ranks that Lightning adds belong to."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def poll(self) -> int | None:
        """Return the exit status of the command, or None while it runs."""
        return self.process.poll()

    def stop(self) -> None:
        """Send SIGTERM to the command, which ends its other processes."""
        self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL to the whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def dump_stack(self) -> None:
        """Send the signal at which a process writes its stack to its log."""
        request_stack(self.process.pid)


class SubprocessLauncher:
    """Starts ``python -m ablab.training`` for one run at a time in each slot.

    Args:
        module: run with the run's folder and the settings as arguments.
        slots: environment variables of each slot.
    """

    def __init__(self, module: str = MODULE, slots: Sequence[Slot] = ({},)) -> None:
        self._module, self._environments = module, list(slots)
        self._workers: list[SubprocessWorker] = []

    @property
    def slots(self) -> int:
        """Number of trials that run at the same time."""
        return len(self._environments)

    def is_ready(self) -> bool:
        """Return True: a start does not wait."""
        return True

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> SubprocessWorker:
        """Start the command, which writes its own log."""
        process = subprocess.Popen(
            training_command(run.folder, settings, self._module),
            env={**os.environ, **self._environments[slot]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._workers.append(SubprocessWorker(process))
        return self._workers[-1]

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Wait until the first of the commands has ended, at most ``seconds``."""
        for worker in workers:
            if isinstance(worker, SubprocessWorker):
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(seconds)
                return
        time.sleep(seconds)

    def close(self) -> None:
        """Kill the commands that still run."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()

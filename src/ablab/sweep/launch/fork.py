"""The launcher for Linux: forks each trial from a server that has imported everything.

A forked trial starts in about 0.15 s; a new Python process needs 5 to 6 s for its imports.
"""

import os
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from ablab.signals import request_stack
from ablab.sweep.launch.environment import thread_variables, worker_environment
from ablab.sweep.launch.launcher import Worker
from ablab.sweep.launch.server import PRELOAD, ForkServer
from ablab.sweep.launch.slots import Slot
from ablab.sweep.launch.worker import Target, run_once, train
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings

_SHORT_WAIT = 0.05  # seconds between two checks of a server that is still importing


class ForkWorker:
    """A process for one attempt."""

    def __init__(self, process: BaseProcess) -> None:
        self.process = process

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs.

        It is 255 also if the server died; the trial itself may still run then.
        """
        return self.process.exitcode

    def stop(self) -> None:
        """Send SIGTERM."""
        self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()

    def dump_stack(self) -> None:
        """Send the signal at which a process writes its stack to its log."""
        request_stack(self.process.pid)


class ForkLauncher:
    """Forks trials from a preloaded server, and starts another server if it died.

    Args:
        slots: environment variables of each slot.
        threads: CPU threads per trial.
        target: ``(folder, settings) -> status``, a function of a module.
        preload: modules that the server imports first, separated by commas.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        threads: int,
        target: Target = train,
        preload: str = PRELOAD,
    ) -> None:
        self._environments, self._target, self._threads = list(slots), target, threads
        self._server = ForkServer(preload, threads)
        self._is_ready = False
        self._workers: list[ForkWorker] = []

    @property
    def slots(self) -> int:
        """Number of trials that run at the same time."""
        return len(self._environments)

    def is_ready(self) -> bool:
        """Start the server if there is none, and return whether it can fork at once."""
        self._is_ready = self._server.is_ready()
        return self._is_ready

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> ForkWorker:
        """Fork a process for one attempt."""
        variables = thread_variables(self._threads)
        # The server keeps the environment of its own start, and in a notebook it serves several
        # sweeps: the environment of now is passed to each process.
        environment = {**os.environ, **variables, **self._environments[slot]}
        arguments = (self._target, environment, run.folder, settings)
        process = self._server.context.Process(target=run_once, args=arguments, daemon=False)
        with worker_environment(variables):
            process.start()
        worker = ForkWorker(process)
        self._workers = [w for w in self._workers if w.poll() is None] + [worker]
        return worker

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Wait until a process has ended, at most ``seconds``."""
        sentinels = [w.process.sentinel for w in workers if isinstance(w, ForkWorker)]
        if sentinels:
            wait(sentinels, seconds)
        else:
            time.sleep(seconds if self._is_ready else min(seconds, _SHORT_WAIT))

    def close(self) -> None:
        """Kill the processes that still run."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()

"""The launcher of Linux: each trial is forked from a server that has imported everything."""

import os
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from ablab.sweep.launch.launcher import Worker
from ablab.sweep.launch.server import ForkServer
from ablab.sweep.launch.slots import Slot
from ablab.sweep.launch.surroundings import inherited, thread_variables
from ablab.sweep.launch.worker import Work, run_one, train
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings

PRELOAD = "ablab.sweep.launch.preload"
_SHORT = 0.05  # seconds between two looks at a server that is still importing


class ForkWorker:
    """A process that lives for one attempt."""

    def __init__(self, process: BaseProcess) -> None:
        self.process = process

    def poll(self) -> int | None:
        """Return the exit status; 255 also where the server died and the trial may live on."""
        return self.process.exitcode

    def stop(self) -> None:
        """Send SIGTERM."""
        self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()


class ForkLauncher:
    """Forks trials from a warm server; a server that died is started anew.

    Args:
        slots: environment of each slot.
        threads: CPU threads a trial.
        work: ``(folder, settings) -> status``, a module's function.
        preload: module that the server imports first.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        threads: int,
        work: Work = train,
        preload: str = PRELOAD,
    ) -> None:
        self._environments, self._work, self._threads = list(slots), work, threads
        self._server = ForkServer(preload, threads)
        self._is_ready = False
        self._workers: list[ForkWorker] = []

    @property
    def slots(self) -> int:
        """How many trials run side by side."""
        return len(self._environments)

    def is_ready(self) -> bool:
        """Start the server where there is none; tell whether a start will not wait for it."""
        self._is_ready = self._server.is_ready()
        return self._is_ready

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> ForkWorker:
        """Fork a process for one attempt."""
        variables = thread_variables(self._threads)
        # The server outlives a sweep in a notebook, and has the environment of its own start.
        environment = {**os.environ, **variables, **self._environments[slot]}
        arguments = (self._work, environment, run.folder, settings)
        process = self._server.context.Process(target=run_one, args=arguments, daemon=False)
        with inherited(variables):
            process.start()
        worker = ForkWorker(process)
        self._workers = [w for w in self._workers if w.poll() is None] + [worker]
        return worker

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Return when a process has ended, or after ``seconds``."""
        sentinels = [w.process.sentinel for w in workers if isinstance(w, ForkWorker)]
        if sentinels:
            wait(sentinels, seconds)
        else:
            time.sleep(seconds if self._is_ready else min(seconds, _SHORT))

    def close(self) -> None:
        """Kill what still runs."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()

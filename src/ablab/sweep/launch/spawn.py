"""The launcher for systems where fork is not safe (macOS): spawned processes, reused for trials."""

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from ablab.signals import request_stack
from ablab.sweep.launch.environment import thread_variables, worker_environment
from ablab.sweep.launch.launcher import Worker
from ablab.sweep.launch.slots import Slot
from ablab.sweep.launch.worker import Target, loop, train
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


class SpawnWorker:
    """One attempt in a process that is reused for later ones."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process, self.connection = process, connection
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the status of the attempt, the exit status of a process that died, or None."""
        if self._status is None and self.connection.poll():
            try:
                self._status = int(self.connection.recv())
            except EOFError:
                self.process.join()
                self._status = self.process.exitcode
        return self._status

    def stop(self) -> None:
        """Send SIGTERM."""
        self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()

    def dump_stack(self) -> None:
        """Send the signal at which a process writes its stack to its log."""
        request_stack(self.process.pid)


class SpawnLauncher:
    """Keeps one spawned process per slot, and spawns another if it died.

    A new process takes seconds for its imports, so that each is reused.

    Args:
        slots: environment variables of each slot.
        threads: CPU threads per trial.
        target: ``(folder, settings) -> status``, a function of a module.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        threads: int,
        target: Target = train,
    ) -> None:
        self._environments, self._threads, self._target = list(slots), threads, target
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[int, tuple[BaseProcess, Connection]] = {}

    @property
    def slots(self) -> int:
        """Number of trials that run at the same time."""
        return len(self._environments)

    def is_ready(self) -> bool:
        """Return True: a start does not wait."""
        return True

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> SpawnWorker:
        """Send one attempt to the slot's process."""
        if slot not in self._processes or not self._processes[slot][0].is_alive():
            self._processes[slot] = self._spawn(slot)
        process, connection = self._processes[slot]
        connection.send((run.folder, settings))
        return SpawnWorker(process, connection)

    def _spawn(self, slot: int) -> tuple[BaseProcess, Connection]:
        ours, theirs = self._context.Pipe()
        arguments = (self._target, self._environments[slot], theirs)
        process = self._context.Process(target=loop, args=arguments)
        with worker_environment(thread_variables(self._threads)):
            process.start()
        theirs.close()  # so that `poll` sees the end of the file when the process dies
        return process, ours

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Wait until an attempt has ended, at most ``seconds``."""
        connections = [w.connection for w in workers if isinstance(w, SpawnWorker)]
        if connections:
            wait(connections, seconds)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        """Close the connections, which ends idle processes, and kill those that still run."""
        for process, connection in self._processes.values():
            connection.close()
            process.join(timeout=1)
            if process.is_alive():
                process.kill()

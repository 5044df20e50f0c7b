"""The launcher where fork does not serve (macOS): spawned processes, reused for many trials."""

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from ablab.sweep.launch.launcher import Worker
from ablab.sweep.launch.slots import Slot
from ablab.sweep.launch.surroundings import inherited, thread_variables
from ablab.sweep.launch.worker import Work, serve, train
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


class SpawnWorker:
    """One attempt in a process that outlives it."""

    def __init__(self, process: BaseProcess, orders: Connection) -> None:
        self.process, self.orders = process, orders
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the attempt's status, or the exit status of a process that died."""
        if self._status is None and self.orders.poll():
            try:
                self._status = int(self.orders.recv())
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


class SpawnLauncher:
    """Keeps one spawned process a slot, and spawns another where one died.

    Args:
        slots: environment of each slot.
        threads: CPU threads a trial.
        work: ``(folder, settings) -> status``, a module's function.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        threads: int,
        work: Work = train,
    ) -> None:
        self._environments, self._threads, self._work = list(slots), threads, work
        self._context = multiprocessing.get_context("spawn")
        self._hands: dict[int, tuple[BaseProcess, Connection]] = {}

    @property
    def slots(self) -> int:
        """How many trials run side by side."""
        return len(self._environments)

    def is_ready(self) -> bool:
        """Tell that a start waits for nothing."""
        return True

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> SpawnWorker:
        """Order one attempt from the slot's process."""
        if slot not in self._hands or not self._hands[slot][0].is_alive():
            self._hands[slot] = self._spawn(slot)
        process, orders = self._hands[slot]
        orders.send((run.folder, settings))
        return SpawnWorker(process, orders)

    def _spawn(self, slot: int) -> tuple[BaseProcess, Connection]:
        ours, theirs = self._context.Pipe()
        arguments = (self._work, self._environments[slot], theirs)
        process = self._context.Process(target=serve, args=arguments)
        with inherited(thread_variables(self._threads)):
            process.start()
        theirs.close()
        return process, ours

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Return when an attempt has ended, or after ``seconds``."""
        pipes = [w.orders for w in workers if isinstance(w, SpawnWorker)]
        if pipes:
            wait(pipes, seconds)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        """Hang up, which ends idle processes, and kill what still runs."""
        for process, orders in self._hands.values():
            orders.close()
            process.join(timeout=1)
            if process.is_alive():
                process.kill()

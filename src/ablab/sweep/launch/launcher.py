"""The protocols of a launcher and of its workers, as the schedule uses them."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


class Worker(Protocol):
    """One attempt at a run, in a process of its own."""

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""

    def stop(self) -> None:
        """Send SIGTERM: the process records the end and keeps its last checkpoint."""

    def kill(self) -> None:
        """Send SIGKILL."""


@runtime_checkable
class Launcher(Protocol):
    """Starts runs, at most one at a time in each of its slots."""

    @property
    def slots(self) -> int:
        """Number of runs that run at the same time, >= 1."""

    def is_ready(self) -> bool:
        """Return whether `start` would return at once.

        The schedule calls `start` only then, since it could not handle an interrupt meanwhile.

        Raises:
            OSError: nothing can be started.
        """

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> Worker:
        """Start an attempt in a slot.

        Raises:
            OSError, EOFError: it could not be started.
        """

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Wait until one of the workers may have ended, at most ``seconds``."""

    def close(self) -> None:
        """Kill the processes that still run."""

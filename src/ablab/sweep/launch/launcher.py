"""What the schedule asks of a launcher."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


class Worker(Protocol):
    """One attempt at a run, in a process of its own."""

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""

    def stop(self) -> None:
        """Ask it to write a checkpoint and end (SIGTERM)."""

    def kill(self) -> None:
        """End it at once."""


@runtime_checkable
class Launcher(Protocol):
    """Starts runs, as many side by side as it has slots."""

    @property
    def slots(self) -> int:
        """How many runs run side by side, >= 1."""

    def is_ready(self) -> bool:
        """Tell whether a start would not wait: a signal could not be answered meanwhile.

        Raises:
            OSError: nothing can be started.
        """

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> Worker:
        """Start an attempt in a slot.

        Raises:
            OSError, EOFError: it could not be started.
        """

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Return when one of the workers may have ended, or after ``seconds``."""

    def close(self) -> None:
        """End whatever still runs."""

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

    def dump_stack(self) -> None:
        """Send `ablab.signals.STACK_SIGNAL`: the process writes its Python stack to its log."""


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


@runtime_checkable
class SharingLauncher(Launcher, Protocol):
    """A launcher whose slots are on devices that other trials and other sweeps use too.

    The schedule reserves a slot before it starts a run there. While another process has the slot's
    device, the run waits.
    """

    def reserve(self, slot: int, *, alone: bool) -> bool:
        """Reserve a slot, and return whether its device can be used now.

        Args:
            slot: not reserved.
            alone: reserve the device for one trial, whatever the number of trials on it.
        """

    def release(self, slot: int) -> None:
        """Release a reserved slot, whose run has ended."""

    def is_shared(self, slot: int) -> bool:
        """Return whether the slot is one of several on its device."""


@runtime_checkable
class QueueingLauncher(Launcher, Protocol):
    """A launcher with a queue of its own, as of a cluster: it takes more runs than run at a time.

    Attributes:
        capacity: largest number of runs that wait or run, >= ``slots``.
    """

    capacity: int


@runtime_checkable
class ExplainingWorker(Worker, Protocol):
    """A worker on another machine, whose end has reasons that no exit status tells."""

    def explain(self) -> str:
        """Return why it ended, as a clause; empty if the exit status says it."""

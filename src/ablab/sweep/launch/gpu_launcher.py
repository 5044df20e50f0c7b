"""The launcher for GPUs: starts trials as another launcher does, on GPUs that it has locked."""

from collections.abc import Sequence

from ablab.sweep.launch.gpu_locks import GPULocks
from ablab.sweep.launch.launcher import Launcher, Worker
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


class GPULauncher:
    """Reserves the GPUs of a slot before a trial starts there.

    Args:
        launcher: starts the processes; its slots show their GPUs to them.
        locks: of the same slots.
    """

    def __init__(self, launcher: Launcher, locks: GPULocks) -> None:
        self.launcher, self._locks = launcher, locks

    @property
    def slots(self) -> int:
        """Number of trials that run at the same time."""
        return self.launcher.slots

    def reserve(self, slot: int, *, alone: bool) -> bool:
        """Lock the GPUs of a slot, and return whether no other trial on this host has them."""
        return self._locks.acquire(slot, alone=alone)

    def release(self, slot: int) -> None:
        """Unlock the GPUs of a slot."""
        self._locks.release(slot)

    def is_shared(self, slot: int) -> bool:
        """Return whether a slot has a share of a GPU, not a whole one."""
        return self._locks.is_shared(slot)

    def is_ready(self) -> bool:
        """Return whether `start` would return at once."""
        return self.launcher.is_ready()

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> Worker:
        """Start an attempt in a reserved slot."""
        return self.launcher.start(run, settings, slot)

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Wait until one of the workers may have ended, at most ``seconds``."""
        self.launcher.wait(workers, seconds)

    def close(self) -> None:
        """Kill the processes that still run, and unlock all GPUs."""
        self.launcher.close()
        for slot in range(self.slots):
            self._locks.release(slot)

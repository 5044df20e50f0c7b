"""Runs a function in the slots of a launcher, once for each of some folders."""

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from ablab.sweep.launch.launcher import Launcher, SharingLauncher, Worker
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings

_TICK = 0.25  # seconds between two looks at slots that other processes use
_GRACE = 10.0  # seconds that a call has after SIGTERM


def run_calls(launcher: Launcher, folders: Sequence[Path], settings: ProcessSettings) -> list[int]:
    """Return the exit status of each call, in the order of the folders.

    An exception, such as that of Ctrl-C, stops the calls that run.

    Args:
        launcher: starts its target, once for each folder; closed at the end.
        folders: passed to the target.
        settings: likewise.
    """
    waiting = deque(range(len(folders)))
    running: dict[int, tuple[int, Worker]] = {}
    statuses = dict[int, int]()
    try:
        while waiting or running:
            for slot in range(launcher.slots):
                if waiting and slot not in running and _is_free(launcher, slot):
                    number = waiting.popleft()
                    run = Run(folders[number])
                    running[slot] = number, launcher.start(run, settings, slot)
            launcher.wait([worker for _, worker in running.values()], _TICK)
            for slot, (number, worker) in list(running.items()):
                if (status := worker.poll()) is not None:
                    statuses[number] = status
                    del running[slot]
                    if isinstance(launcher, SharingLauncher):
                        launcher.release(slot)
    except BaseException:
        _stop(launcher, [worker for _, worker in running.values()])
        raise
    finally:
        launcher.close()
    return [statuses[number] for number in range(len(folders))]


def _is_free(launcher: Launcher, slot: int) -> bool:
    """Return whether a call can start in a slot now; of a shared device, reserve the slot."""
    if not launcher.is_ready():
        return False
    return not isinstance(launcher, SharingLauncher) or launcher.reserve(slot, alone=False)


def _stop(launcher: Launcher, workers: Sequence[Worker]) -> None:
    """Ask the calls to end, and wait for it; the launcher kills those that are left."""
    for worker in workers:
        worker.stop()
    end = time.monotonic() + _GRACE
    while time.monotonic() < end and (left := [w for w in workers if w.poll() is None]):
        launcher.wait(left, _TICK)

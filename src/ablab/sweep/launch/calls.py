"""Runs a function in the slots of a launcher, once for each of some folders."""

import signal
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from ablab.sweep.interrupts import Interrupts
from ablab.sweep.launch.launcher import Launcher, SharingLauncher, Worker
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings

_TICK = 0.25  # seconds between two looks at slots that other processes use
_GRACE = 10.0  # seconds that a call has after SIGTERM


def run_calls(launcher: Launcher, folders: Sequence[Path], settings: ProcessSettings) -> list[int]:
    """Return the exit status of each call, in the order of the folders.

    SIGINT, SIGTERM and SIGHUP stop the calls that run, at the second one by SIGKILL. They are
    counted, not raised at once: an exception while a process starts would leave it without a
    parent that stops it.

    Args:
        launcher: starts its target, once for each folder; closed at the end.
        folders: passed to the target.
        settings: likewise.

    Raises:
        KeyboardInterrupt: after SIGINT.
        SystemExit: after SIGTERM or SIGHUP.
    """
    statuses = dict[int, int]()
    with Interrupts() as interrupts:
        try:
            _run(launcher, folders, settings, interrupts, statuses)
        finally:
            launcher.close()
    if interrupts.count:
        is_sigint = interrupts.code == 128 + signal.SIGINT
        raise KeyboardInterrupt if is_sigint else SystemExit(interrupts.code)
    return [statuses[number] for number in range(len(folders))]


def _run(
    launcher: Launcher,
    folders: Sequence[Path],
    settings: ProcessSettings,
    interrupts: Interrupts,
    statuses: dict[int, int],
) -> None:
    """Run the calls until all have ended or an interrupt stops them; add their exit statuses."""
    waiting = deque(range(len(folders)))
    running: dict[int, tuple[int, Worker]] = {}
    while (waiting or running) and not interrupts.count:
        for slot in range(launcher.slots):
            if waiting and slot not in running and _is_free(launcher, slot):
                number = waiting.popleft()
                running[slot] = number, launcher.start(Run(folders[number]), settings, slot)
        launcher.wait([worker for _, worker in running.values()], _TICK)
        for slot, (number, worker) in list(running.items()):
            if (status := worker.poll()) is not None:
                statuses[number] = status
                del running[slot]
                if isinstance(launcher, SharingLauncher):
                    launcher.release(slot)
    if interrupts.count:
        _stop(launcher, [worker for _, worker in running.values()], interrupts)


def _is_free(launcher: Launcher, slot: int) -> bool:
    """Return whether a call can start in a slot now; of a shared device, reserve the slot."""
    if not launcher.is_ready():
        return False
    return not isinstance(launcher, SharingLauncher) or launcher.reserve(slot, alone=False)


def _stop(launcher: Launcher, workers: Sequence[Worker], interrupts: Interrupts) -> None:
    """Ask the calls to end, and wait for it; the launcher kills those that are left."""
    for worker in workers:
        worker.stop()
    end = time.monotonic() + _GRACE
    while interrupts.count < 2 and time.monotonic() < end:
        if not (left := [worker for worker in workers if worker.poll() is None]):
            return
        launcher.wait(left, _TICK)

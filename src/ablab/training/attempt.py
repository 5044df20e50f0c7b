"""One attempt at a trial on its own, its epochs shown as they come."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from ablab.config.preflight import num_processes
from ablab.config.threads import cpu_threads
from ablab.config.trial import Trial
from ablab.output import stream
from ablab.signals import Handler, handling
from ablab.tracking.journal import read_entries
from ablab.tracking.lab import Take
from ablab.training.process import work
from ablab.training.progress import EpochLines, ProgressBar


def attempt(take: Take, trial: Trial, console: Console) -> int:
    """Train a take, in this process unless it takes several, and show its epochs.

    Args:
        take: what is trained.
        trial: what it is a take of.
        console: where the epochs are shown.

    Returns:
        The exit code (see `ablab.training.process.work`).
    """
    devices = trial.config["devices"]
    settings = {
        "devices": devices,
        "in_sweep": False,
        "threads": cpu_threads(trial.config["launcher"]),
    }
    lines = EpochLines(console, trial.config["trainer"]["max_epochs"])
    if num_processes(devices) > 1:
        command = [sys.executable, "-m", "ablab.training.process"]
        arguments = [*command, str(take.folder), json.dumps(settings)]
        with _following(take, lines):
            return _run(arguments)
    # Descriptors 1 and 2 go to the log meanwhile: the terminal needs one of its own.
    descriptor = os.dup(sys.stdout.fileno())
    try:
        terminal = stream(descriptor, sys.stdout.encoding)
        shown = Console(file=terminal) if console.is_terminal else None
        lines.console = shown or Console(file=terminal, force_terminal=False, width=120)
        bar = [ProgressBar(shown, trial.config)] if shown else []
        with _following(take, lines):
            return work(take.folder, settings, bar)
    finally:
        os.close(descriptor)


@contextmanager
def _following(take: Take, lines: EpochLines) -> Iterator[None]:
    """Print the journal's epochs as they appear."""
    offset, over = read_entries(take.journal)[1], threading.Event()  # a torn line is cut off

    def look() -> None:
        nonlocal offset
        entries, offset = read_entries(take.journal, offset)
        lines.show(entries)

    def follow() -> None:
        while not over.wait(0.3):
            look()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        look()


def _run(arguments: Sequence[str]) -> int:
    """Run the trial's own process, which alone decides how to end; a terminal tells it of Ctrl-C.

    Returns:
        Its exit code, as a shell gives it.
    """
    processes: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def passed(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        for process in processes:
            process.send_signal(number)

    handlers: dict[signal.Signals, Handler] = {
        signal.SIGTERM: passed,
        signal.SIGHUP: passed,
        signal.SIGINT: signal.SIG_IGN,
    }
    with handling(handlers), subprocess.Popen(arguments) as process:
        processes.append(process)
        for number in asked:  # before it was there
            process.send_signal(number)
        return _signal_as_shell(process.wait())


def _signal_as_shell(code: int) -> int:
    return 128 - code if code < 0 else code

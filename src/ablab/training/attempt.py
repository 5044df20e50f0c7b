"""One attempt at a trial on its own, its epochs shown as they come."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from ablab.tracking.journal import read_entries
from ablab.tracking.lab import Take
from ablab.training.preflight import num_processes
from ablab.training.process import work
from ablab.training.progress import EpochLines, ProgressBar
from ablab.training.trial import Trial


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
    settings = {"devices": devices, "in_sweep": False, "threads": _threads(trial)}
    lines = EpochLines(console, trial.config["trainer"]["max_epochs"])
    if num_processes(devices) > 1:
        command = [sys.executable, "-m", "ablab.training.process"]
        arguments = [*command, str(take.folder), json.dumps(settings)]
        with _following(take, lines), _own_interrupts():
            return _signal_as_shell(subprocess.run(arguments, check=False).returncode)
    # Descriptors 1 and 2 go to the log meanwhile: the terminal needs one of its own.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as terminal:
        shown = Console(file=terminal) if console.is_terminal else None
        lines.console = shown or Console(file=terminal, force_terminal=False, width=120)
        bar = [ProgressBar(shown, trial.config)] if shown else []
        with _following(take, lines):
            return work(take.folder, settings, bar)


def _threads(trial: Trial) -> int:
    """Return the CPU threads: what the user's environment says, else as the launcher says."""
    return int(os.environ.get("OMP_NUM_THREADS", trial.config["launcher"]["threads"]))


@contextmanager
def _following(take: Take, lines: EpochLines) -> Iterator[None]:
    """Print the journal's epochs as they appear."""
    offset, over = (take.journal.stat().st_size if take.journal.exists() else 0), threading.Event()

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


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Leave Ctrl-C to the trial's own process, which the terminal tells as well."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _signal_as_shell(code: int) -> int:
    return 128 - code if code < 0 else code

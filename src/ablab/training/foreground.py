"""Training of a single run from the command line or Python, with its epochs shown."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from rich.console import Console

from ablab.config.preflight import num_processes
from ablab.config.trial import Trial
from ablab.errors import NO_RESOURCE, ResourceError
from ablab.output import open_stream
from ablab.signals import END_SIGNALS, Handler, handle_signals
from ablab.tracking.journal import read_entries
from ablab.tracking.run import Run
from ablab.training.process import run_process
from ablab.training.progress import EpochLines, ProgressBar
from ablab.training.settings import ProcessSettings
from ablab.training.signals import STOPPING

_POLL_SECONDS = 0.2  # between two checks for a signal of the user


def run_in_foreground(run: Run, trial: Trial, console: Console) -> int:
    """Train a run and show its epochs, in this process unless it needs several.

    Args:
        run: the run to train.
        trial: the run's trial.
        console: shows the epochs.

    Returns:
        The exit code (see `ablab.training.process.run_process`).
    """
    if num_processes(trial.config["devices"]) > 1:
        return run_in_subprocess(run, trial, console)
    settings = ProcessSettings.of(trial.config)
    lines = EpochLines(console, trial.config["trainer"]["max_epochs"])
    # Descriptors 1 and 2 are redirected to the log: the terminal needs another one.
    descriptor = os.dup(sys.stdout.fileno())
    try:
        terminal = open_stream(descriptor, sys.stdout.encoding)
        shown = Console(file=terminal) if console.is_terminal else None
        lines.console = shown or Console(file=terminal, force_terminal=False, width=120)
        bar = [ProgressBar(shown, trial.config)] if shown else []
        with _showing_epochs(run, lines):
            return run_process(run.folder, settings, bar)
    finally:
        os.close(descriptor)


def run_in_subprocess(run: Run, trial: Trial, console: Console) -> int:
    """Train a run in a subprocess, and show its epochs.

    The caller's threads, seeds, streams and imports do not change, and do not affect the trial: it
    trains the source that is on the disk now.

    Args:
        run: the run to train.
        trial: the run's trial.
        console: shows the epochs.

    Returns:
        The exit code (see `ablab.training.process.run_process`).

    Raises:
        ResourceError: the machine lacks something, such as disk space; the last checkpoint is kept.
    """
    settings = ProcessSettings.of(trial.config, ends_with_parent=True)
    arguments = [sys.executable, "-m", "ablab.training"]
    arguments += [str(run.folder), settings.to_json()]
    lines = EpochLines(console, trial.config["trainer"]["max_epochs"])
    with tempfile.TemporaryFile() as output, _showing_epochs(run, lines):
        code = _run(arguments, output.fileno(), console)
        output.seek(0)
        message = output.read().decode("utf-8", "replace").strip()
    if code == NO_RESOURCE:
        raise ResourceError(message.removeprefix("ablab: ") or f"{run.folder} must be writable")
    return code


@contextmanager
def _showing_epochs(run: Run, lines: EpochLines) -> Iterator[None]:
    """Print the journal's epochs as they are appended, from a thread."""
    # An incomplete last line is not read; the trainer removes it.
    offset, finished = read_entries(run.journal)[1], threading.Event()

    def show_new() -> None:
        nonlocal offset
        entries, offset = read_entries(run.journal, offset)
        lines.show(entries)

    def follow() -> None:
        while not finished.wait(0.3):
            show_new()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
        show_new()


def _run(arguments: Sequence[str], output: int, console: Console) -> int:
    """Run a training process, forward signals to it, and wait for its end.

    It has its own session, so that a Ctrl-C reaches it once, whether the terminal or notebook sends
    it to the whole process group or to this process alone.

    Args:
        arguments: the command.
        output: file descriptor of its standard output and error.
        console: shows the effect of Ctrl-C.

    Returns:
        Its exit code, in a shell's convention.
    """
    processes: list[subprocess.Popen[bytes]] = []
    received: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for process in processes:
            process.send_signal(number)

    handlers: dict[signal.Signals, Handler] = dict.fromkeys(END_SIGNALS, forward)
    with (
        handle_signals(handlers),
        subprocess.Popen(
            arguments, stdout=output, stderr=output, start_new_session=True
        ) as process,
    ):
        processes.append(process)
        for number in received:  # before it started
            process.send_signal(number)
        announced = False
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
            # Not printed by the handler, which may interrupt another print.
            if not announced and signal.SIGINT in received:
                announced = True
                console.print(STOPPING, soft_wrap=True)
        return _shell_exit_code(process.returncode)


def _shell_exit_code(code: int) -> int:
    return 128 - code if code < 0 else code

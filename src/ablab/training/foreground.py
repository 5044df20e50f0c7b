"""One attempt at a trial on its own, its epochs shown as they come."""

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
from ablab.output import stream
from ablab.signals import ENDING, Handler, handling
from ablab.tracking.journal import read_entries
from ablab.tracking.run import Run
from ablab.training.process import run_process
from ablab.training.progress import EpochLines, ProgressBar
from ablab.training.settings import ProcessSettings
from ablab.training.signals import STOPPING

_LOOK_SECONDS = 0.2  # between two looks at whether the user has asked to stop


def run_in_foreground(run: Run, trial: Trial, console: Console) -> int:
    """Train a run, in this process unless it takes several, and show its epochs.

    Args:
        run: what is trained.
        trial: what it is a run of.
        console: where the epochs are shown.

    Returns:
        The exit code (see `ablab.training.process.run_process`).
    """
    if num_processes(trial.config["devices"]) > 1:
        return run_in_subprocess(run, trial, console)
    settings = ProcessSettings.of(trial.config)
    lines = EpochLines(console, trial.config["trainer"]["max_epochs"])
    # Descriptors 1 and 2 go to the log meanwhile: the terminal needs one of its own.
    descriptor = os.dup(sys.stdout.fileno())
    try:
        terminal = stream(descriptor, sys.stdout.encoding)
        shown = Console(file=terminal) if console.is_terminal else None
        lines.console = shown or Console(file=terminal, force_terminal=False, width=120)
        bar = [ProgressBar(shown, trial.config)] if shown else []
        with _following(run, lines):
            return run_process(run.folder, settings, bar)
    finally:
        os.close(descriptor)


def run_in_subprocess(run: Run, trial: Trial, console: Console) -> int:
    """Train a run in a process of its own, and show its epochs.

    A notebook or a program that calls this keeps its threads, seeds, streams and imports as they
    are, and the trial has none of theirs: it trains the source that lies on the disk now.

    Args:
        run: what is trained.
        trial: what it is a run of.
        console: where the epochs are shown.

    Returns:
        The exit code (see `ablab.training.process.run_process`).

    Raises:
        ResourceError: the machine lacks something; the last checkpoint that is whole stays.
    """
    settings = ProcessSettings.of(trial.config, ends_with_parent=True)
    arguments = [sys.executable, "-m", "ablab.training.process"]
    arguments += [str(run.folder), settings.to_json()]
    lines = EpochLines(console, trial.config["trainer"]["max_epochs"])
    with tempfile.TemporaryFile() as printed, _following(run, lines):
        code = _run(arguments, printed.fileno(), console)
        printed.seek(0)
        told = printed.read().decode("utf-8", "replace").strip()
    if code == NO_RESOURCE:
        raise ResourceError(told.removeprefix("ablab: ") or f"{run.folder} must be writable")
    return code


@contextmanager
def _following(run: Run, lines: EpochLines) -> Iterator[None]:
    """Print the journal's epochs as they appear."""
    offset, over = read_entries(run.journal)[1], threading.Event()  # a torn line is cut off

    def look() -> None:
        nonlocal offset
        entries, offset = read_entries(run.journal, offset)
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


def _run(arguments: Sequence[str], output: int, console: Console) -> int:
    """Run the trial's own process, which alone decides how to end.

    It has a session of its own: a terminal or a notebook that sends Ctrl-C to its whole group,
    or to this process alone, is passed on once.

    Args:
        arguments: the command.
        output: descriptor of what it prints beside its log.
        console: where the user is told what a signal does.

    Returns:
        Its exit code, as a shell gives it.
    """
    processes: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def passed(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        for process in processes:
            process.send_signal(number)

    handlers: dict[signal.Signals, Handler] = dict.fromkeys(ENDING, passed)
    with (
        handling(handlers),
        subprocess.Popen(
            arguments, stdout=output, stderr=output, start_new_session=True
        ) as process,
    ):
        processes.append(process)
        for number in asked:  # before it was there
            process.send_signal(number)
        told = False
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
            if not told and signal.SIGINT in asked:  # not in the handler: it may interrupt a print
                told = True
                console.print(STOPPING, soft_wrap=True)
        return _signal_as_shell(process.returncode)


def _signal_as_shell(code: int) -> int:
    return 128 - code if code < 0 else code

"""The process runner: one run in one process, with its signals, threads, lock and log.

Also a command of its own, `python -m ablab.training.process FOLDER SETTINGS`, which is how a
trial of several processes is started: Lightning runs the same command again for each further one.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytorch_lightning as pl
from filelock import Timeout

from ablab.advice import without_advice
from ablab.config.sources import source_hashes
from ablab.errors import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    LOCKED,
    InputError,
    ResourceError,
    resource_error,
)
from ablab.output import sent_to
from ablab.signals import TerminatedError
from ablab.tracking.files import write_json
from ablab.tracking.journal import Entry, Journal, JournalError
from ablab.tracking.run import ENVIRONMENT, LOG, Run
from ablab.training.environment import describe_environment
from ablab.training.prepare import prepare
from ablab.training.results import write_config
from ablab.training.run import StoppedError, Training
from ablab.training.settings import ProcessSettings
from ablab.training.signals import OwnSigterm, handled

# A look at whether the lock is held holds it for an instant.
_LOCK_PATIENCE_SECONDS = 2.0


def run_process(
    folder: Path, settings: ProcessSettings, callbacks: Sequence[pl.Callback] = ()
) -> int:
    """Train a run in this process until it is finished or something ends it.

    Args:
        folder: the run's.
        settings: devices, threads, and whether a sweep decides about Ctrl-C.
        callbacks: further Lightning callbacks, such as a progress display.

    Returns:
        The exit code: 0 finished or diverged, 1 failed, 75 the lock is held by another writer,
        130 interrupted, 143 or 129 told to end. The completion record, not the code, tells the
        truth.

    Raises:
        ResourceError: the machine lacks something; the last checkpoint that is whole stays.
    """
    run = Run(folder)
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return _run_worker(run, settings)
    try:
        return _run_locked(run, settings, callbacks)
    except OSError as error:
        if (lack := resource_error(error, folder)) is None:
            raise
        raise lack from error


def _run_locked(run: Run, settings: ProcessSettings, callbacks: Sequence[pl.Callback]) -> int:
    """Train with the run's lock held, and its log open."""
    lock = run.lock()
    try:
        lock.acquire(timeout=_LOCK_PATIENCE_SECONDS)
    except Timeout:
        return LOCKED
    try:
        with (run.folder / LOG).open("ab") as log, sent_to(log.fileno()) as terminal:
            return _run_rank_zero(run, settings, callbacks, terminal)
    finally:
        lock.release()


def _run_rank_zero(
    run: Run, settings: ProcessSettings, callbacks: Sequence[pl.Callback], terminal: int
) -> int:
    """Train as the run's one writer."""
    if run.completion is not None:
        return FINISHED
    prepare(settings)
    try:
        journal = Journal(run.journal)
    except JournalError:
        traceback.print_exc()
        return FAILED
    training = Training(run, journal, settings.devices, [*callbacks, OwnSigterm()])
    try:
        with handled(training.recorder, terminal, in_sweep=settings.in_sweep):
            _begin(run, journal, settings)
            _refuse_changed_data(training)
            training.fit()
            return FINISHED
    except StoppedError:
        end, code = _stopped("Ctrl-C, at the end of an epoch"), INTERRUPTED
    except TerminatedError as error:
        end, code = _stopped(signal.Signals(error.code - 128).name), error.code
    except Exception as error:
        traceback.print_exc()
        if (lack := resource_error(error, run.folder)) is not None:
            _halt(run, journal, lack)
            raise lack from error
        reason = f"{type(error).__name__}: {without_advice(str(error))}"
        note = {"error": reason, "traceback": traceback.format_exc()}
        end, code = Entry("failed", time.time(), note=note), FAILED
    if run.completion is not None:  # a signal behind the record, which nothing may follow
        return FINISHED
    journal.append(end)
    return code


def _halt(run: Run, journal: Journal, lack: ResourceError) -> None:
    """Write down, if it can be, that the machine and not the trial ended the attempt."""
    if run.completion is None:
        with suppress(OSError):
            journal.append(_stopped(str(lack)))


def _begin(run: Run, journal: Journal, settings: ProcessSettings) -> None:
    """Write down where this attempt runs; refuse it where the source is not the plan's."""
    where = {"devices": settings.devices.as_dict(), "slots": settings.slots}
    environment = {**describe_environment(), **where}
    write_json(run.folder / ENVIRONMENT, environment)
    write_config(run.folder, run.trial["config"])
    journal.append(Entry("attempt", time.time(), note={**environment, "pid": os.getpid()}))
    _refuse_changed_sources(run)


def _run_worker(run: Run, settings: ProcessSettings) -> int:
    """Train as one of the further processes of a DDP trial, which write nothing."""
    prepare(settings)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    training = Training(run, None, settings.devices)
    with suppress(StoppedError):  # an exit status would make Lightning kill rank 0 as well
        training.fit()
    return FINISHED


def _refuse_changed_sources(run: Run) -> None:
    """Refuse to train other source than the plan froze.

    Raises:
        RuntimeError: names the targets and files that were edited since.
    """
    planned, now = run.trial["sources"], source_hashes(run.trial["config"])
    changed = sorted(n for n in planned.keys() | now.keys() if planned.get(n) != now.get(n))
    if changed:
        raise RuntimeError(
            f"{', '.join(changed)} must be as it was when the trial was planned, got other "
            "source; undo the edit, or start the same command again to plan new trials"
        )


def _refuse_changed_data(training: Training) -> None:
    """Refuse to train on other data than the trial was frozen with.

    Raises:
        RuntimeError: the data were changed since.
    """
    frozen, found = training.run.trial["data_hash"], training.data.content_hash
    if found != frozen:
        raise RuntimeError(
            f"the data must be as they were when the trial was planned, SHA-256 {frozen}, got "
            f"{found}; put them back, or start the same command again to plan new trials"
        )


def _stopped(reason: str) -> Entry:
    return Entry("stopped", time.time(), note={"reason": reason})


def main(arguments: Sequence[str]) -> int:
    """Train the run in a folder, by settings in JSON, and return the exit code."""
    try:
        return run_process(Path(arguments[0]), ProcessSettings.from_json(arguments[1]))
    except (InputError, ResourceError) as error:
        sys.stderr.write(f"ablab: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Training of a run in one process: its lock, log, signals and exit code."""

import os
import signal
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from ablab.config.fused import FUSED
from ablab.errors import (
    FAILED,
    FINISHED,
    LOCKED,
    resource_error,
)
from ablab.lightning import pl
from ablab.output import redirect_to
from ablab.signals import TerminatedError, dump_stacks_to
from ablab.tracking.journal import Journal, JournalError
from ablab.tracking.run import LOG, Run
from ablab.training.attempt import (
    LOCK_SECONDS,
    ended_by,
    record_resource_error,
    record_start,
    refuse_changed_data,
    refuse_changed_sources,
)
from ablab.training.fused.process import run_fused
from ablab.training.prepare import prepare
from ablab.training.run import StoppedError, Training
from ablab.training.settings import ProcessSettings
from ablab.training.signals import KeepSigtermHandler, handle_training_signals
from ablab.training.system_sampler import sample_system


def run_process(
    folder: Path, settings: ProcessSettings, callbacks: Sequence[pl.Callback] = ()
) -> int:
    """Train a run in this process until it is finished or interrupted.

    Args:
        folder: the run's folder.
        settings: devices, threads, and whether a sweep handles Ctrl-C.
        callbacks: additional Lightning callbacks, such as a progress display.

    Returns:
        The exit code: 0 finished or diverged, 1 failed, 75 locked by another process, 130
        interrupted, 143 or 129 ended by SIGTERM or SIGHUP. The completion record, not the exit
        code, says whether the run is finished.

    Raises:
        ResourceError: the machine lacks something, such as disk space; the last checkpoint is kept.
    """
    run = Run(folder)
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return _run_worker(run, settings)
    companions = [Run(Path(path)) for path in settings.companions]
    try:
        if run.trial["config"].get("backend") == FUSED:
            return run_fused([run, *companions], settings)
        return _run_locked(run, settings, callbacks)
    except OSError as error:
        if (resource := resource_error(error, folder)) is None:
            raise
        raise resource from error


def _run_locked(run: Run, settings: ProcessSettings, callbacks: Sequence[pl.Callback]) -> int:
    """Train with the run's lock held, and standard output and error sent to its log."""
    lock = run.lock()
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        return LOCKED
    try:
        with (
            (run.folder / LOG).open("ab") as log,
            dump_stacks_to(log),
            redirect_to(log.fileno()) as terminal,
        ):
            return _run_rank_zero(run, settings, callbacks, terminal)
    finally:
        lock.release()


def _run_rank_zero(
    run: Run, settings: ProcessSettings, callbacks: Sequence[pl.Callback], terminal: int
) -> int:
    """Train as the only process that writes to the run's folder."""
    if run.completion is not None:
        return FINISHED
    prepare(settings)
    try:
        journal = Journal(run.journal)
    except JournalError:
        traceback.print_exc()
        return FAILED
    training = Training(run, journal, settings.devices, [*callbacks, KeepSigtermHandler()])
    try:
        with handle_training_signals(training.recorder, terminal, in_sweep=settings.in_sweep):
            record_start(run, journal, settings)
            refuse_changed_sources(run)
            refuse_changed_data(training)
            with sample_system(run.folder, 0 if settings.devices.is_ddp else None):
                training.fit()
            return FINISHED
    except (StoppedError, TerminatedError) as error:
        end, code = ended_by(error)
    except Exception as error:
        traceback.print_exc()
        if (resource := resource_error(error, run.folder)) is not None:
            record_resource_error(run, journal, resource)
            raise resource from error
        end, code = ended_by(error)
    if run.completion is not None:  # a signal after the completion record, which is final
        return FINISHED
    journal.append(end)
    return code


def _run_worker(run: Run, settings: ProcessSettings) -> int:
    """Train as a DDP process of rank 1 or higher, which writes its system metrics alone."""
    prepare(settings)
    # Rank 0 handles these signals, and stops all processes after the same epoch.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    training = Training(run, None, settings.devices)
    rank = int(os.environ.get("RANK", os.environ["LOCAL_RANK"]))
    with suppress(StoppedError), sample_system(run.folder, rank):
        training.fit()  # with another exit code, Lightning would kill rank 0 too
    return FINISHED

"""The start and the end of an attempt at a run: what is checked, and what its journal records."""

import os
import signal
import time
import traceback
from contextlib import suppress

from ablab.advice import remove_advice
from ablab.config.sources import source_hashes
from ablab.errors import FAILED, INTERRUPTED, ResourceError
from ablab.signals import TerminatedError
from ablab.tracking.files import write_json
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.run import ENVIRONMENT, Run
from ablab.training.environment import describe_environment
from ablab.training.results import write_config
from ablab.training.run import StoppedError, Training
from ablab.training.settings import ProcessSettings

# `Run.is_locked` acquires the lock for an instant to test it: a failed attempt is not final.
LOCK_SECONDS = 2.0


def record_start(run: Run, journal: Journal, settings: ProcessSettings) -> None:
    """Record the environment of this process, and the configuration."""
    devices = {"devices": settings.devices.as_dict(), "slots": settings.slots}
    environment = {**describe_environment(), **devices}
    if settings.companions:
        environment["trained_together"] = 1 + len(settings.companions)
    write_json(run.folder / ENVIRONMENT, environment)
    write_config(run.folder, run.trial["config"])
    journal.append(Entry("attempt", time.time(), note={**environment, "pid": os.getpid()}))


def ended_by(error: BaseException) -> tuple[Entry, int]:
    """Return the journal's entry for what ended an attempt, and the exit code of its process.

    Args:
        error: a `StoppedError`, a `TerminatedError`, or the exception that is handled now.
    """
    if isinstance(error, StoppedError):
        return _stopped("Ctrl-C, at the end of an epoch"), INTERRUPTED
    if isinstance(error, TerminatedError):
        return _stopped(signal.Signals(error.code - 128).name), error.code
    return failed(error), FAILED


def _stopped(reason: str) -> Entry:
    return Entry("stopped", time.time(), note={"reason": reason})


def failed(error: BaseException) -> Entry:
    """Return the journal's entry for the exception that is handled now."""
    reason = f"{type(error).__name__}: {remove_advice(str(error))}"
    return Entry("failed", time.time(), note={"error": reason, "traceback": traceback.format_exc()})


def record_resource_error(run: Run, journal: Journal, error: ResourceError) -> None:
    """Record in the journal, if it can be written, that the machine ended the process."""
    if run.completion is None:
        with suppress(OSError):
            journal.append(_stopped(str(error)))


def refuse_changed_sources(run: Run) -> None:
    """Refuse to train source that was edited after the trial was planned.

    Raises:
        RuntimeError: names the edited targets and files.
    """
    planned, now = run.trial["sources"], source_hashes(run.trial["config"])
    changed = sorted(n for n in planned.keys() | now.keys() if planned.get(n) != now.get(n))
    if changed:
        raise RuntimeError(
            f"{', '.join(changed)} must be as it was when the trial was planned, got other "
            "source; undo the edit, or start the same command again to plan new trials"
        )


def refuse_changed_data(training: Training) -> None:
    """Refuse to train on data that were changed after the trial was planned.

    Raises:
        RuntimeError: the data were changed.
    """
    planned, now = training.run.trial["data_hash"], training.data.content_hash
    if now != planned:
        raise RuntimeError(
            f"the data must be as they were when the trial was planned, SHA-256 {planned}, got "
            f"{now}; restore them, or start the same command again to plan new trials"
        )

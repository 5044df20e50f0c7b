"""A job: one cell of the plan on its way to a completion record, judged by the disk alone."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ablab.errors import FAILED, LOCKED, NO_RESOURCE, ResourceError, resource_error
from ablab.tracking.files import write_atomic
from ablab.tracking.journal import Entry, Journal, JournalError, read_entries
from ablab.tracking.plan import Cell
from ablab.tracking.run import LOG, Run

OPEN = ("waiting", "running", "held")


@dataclass
class Job:
    """One cell and how far it has come in this command.

    Attributes:
        trial: as the plan froze it.
        state: waiting, running, held (another process trains it), then for good finished,
            diverged, failed or stopped.
        run: the run that is trained, or that counts.
        is_new: whether this command trained it.
        kills: how often it was killed in this command.
        began: when its last attempt started, seconds since 1970.
        reason: why it failed, stopped or was started again.
        epochs: the journal's epoch lines seen so far.
    """

    cell: Cell
    trial: Mapping[str, Any]
    state: str = "waiting"
    run: Run | None = None
    is_new: bool = False
    kills: int = 0
    began: float = 0.0
    reason: str = ""
    epochs: list[Entry] = field(default_factory=list)
    _offset: int = 0

    @property
    def is_open(self) -> bool:
        """Tell whether there is anything left to do or to wait for."""
        return self.state in OPEN

    @property
    def max_epochs(self) -> int:
        """How many epochs the trial has."""
        return int(self.trial["config"]["trainer"]["max_epochs"])

    def finish(self, run: Run) -> None:
        """Take over the result of a run that has a valid completion record."""
        completion = run.completion
        assert completion is not None
        self.run, self.state, self.reason = run, completion.outcome, ""

    def look(self) -> bool:
        """Read what the journal has gained; return whether an epoch was among it."""
        if self.run is None:
            return False
        # A journal that is damaged, or cannot be read, is for the trial itself to refuse.
        with suppress(JournalError, OSError, ResourceError):
            entries, self._offset = read_entries(self.run.journal, self._offset)
            fresh = [entry for entry in entries if entry.kind == "epoch"]
            self.epochs += fresh
            return bool(fresh)
        return False


def judge(run: Run, status: int, began: float) -> tuple[str, str]:
    """Return what became of an attempt, and why.

    Args:
        run: what was trained.
        status: the process's exit status, negative for a signal; a hint and no proof.
        began: when the attempt started, seconds since 1970.

    Returns:
        ``finished``, ``diverged``, ``held``, ``failed`` (it raised, and would again),
        ``halted`` (the machine lacks something) or ``killed`` (it may do better), and the reason.
    """
    if (completion := run.completion) is not None:
        return completion.outcome, ""
    if status == LOCKED or run.is_locked():
        return "held", "another process trains it"
    if status == NO_RESOURCE:
        return "halted", _lack(run, began)
    failure = last_failure(run, began)
    if failure is not None:
        return "failed", failure
    if status == FAILED:
        return "failed", f"ended with exit status 1 and no word; see {LOG}"
    return "killed", _cause(status)


def last_failure(run: Run, since: float = 0.0) -> str | None:
    """Return the reason of the failure that a journal ends with, if it does.

    Args:
        run: whose journal.
        since: seconds since 1970; an earlier failure is another attempt's.
    """
    try:
        entries = run.entries()
    except JournalError as error:
        return str(error)
    if not entries or entries[-1].kind != "failed" or entries[-1].time < since:
        return None
    return str(entries[-1].note.get("error", "failed without a reason"))


def _lack(run: Run, since: float) -> str:
    """Return what the machine lacks, as the journal tells it, else as writing there shows it."""
    try:
        entries = run.entries()
        if entries and entries[-1].kind == "stopped" and entries[-1].time >= since:
            return str(entries[-1].note["reason"])
        probe = run.folder / "probe"
        write_atomic(probe, bytes(2**16))
        probe.unlink()
    except (OSError, ResourceError) as error:
        return str(resource_error(error, run.folder) or error)
    except JournalError:
        pass
    return f"{run.folder} must be writable, got an error of the system; see {LOG} there"


def _cause(status: int) -> str:
    if status == -9:
        return "killed by SIGKILL (out of memory?)"
    if status < 0:
        return f"killed by signal {-status}"
    return f"ended with exit status {status} and no completion record"


def record_failure(run: Run, reason: str) -> None:
    """Write into a run's journal that it failed, where its own process could not."""
    with suppress(JournalError, OSError, ResourceError), run.lock().acquire(timeout=0):
        journal = Journal(run.journal)
        last = journal.entries[-1] if journal.entries else None
        if last is None or last.kind != "failed":
            journal.append(Entry("failed", time.time(), note={"error": reason}))

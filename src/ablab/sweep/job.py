"""A job: one cell of the plan and its state in this command, determined from the disk alone."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ablab.errors import FAILED, LOCKED, NO_RESOURCE, ResourceError, resource_error
from ablab.tracking.completion import Completion
from ablab.tracking.files import write_atomic
from ablab.tracking.journal import Entry, Journal, JournalError, read_entries
from ablab.tracking.plan import Cell, Plan
from ablab.tracking.run import LOG, Run

OPEN = ("waiting", "running", "locked")


@dataclass
class Job:
    """Stores the state of one cell in this command.

    Attributes:
        trial: as resolved when the plan was written.
        state: open states are waiting, running and locked (another process trains it); final
            states are finished, diverged, failed, stopped, and pruned in a search.
        run: the run that is trained, or whose result counts.
        completion: the completion record of that run, if it is finished.
        is_new: whether this command trained it.
        is_pruned: whether its search has stopped it.
        kills: how often its process was killed in this command.
        started_at: when its last attempt started, seconds since 1970.
        reason: why it failed, stopped or was started again.
        is_alone: whether it needs a GPU without other trials.
        epochs: the journal's epoch entries read so far.
        entries: number of all the journal's entries read so far.
    """

    cell: Cell
    trial: Mapping[str, Any]
    state: str = "waiting"
    run: Run | None = None
    completion: Completion | None = None
    is_new: bool = False
    kills: int = 0
    is_pruned: bool = False
    started_at: float = 0.0
    reason: str = ""
    is_alone: bool = False
    epochs: list[Entry] = field(default_factory=list)
    entries: int = 0
    _offset: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the job is not in a final state."""
        return self.state in OPEN

    @property
    def max_epochs(self) -> int:
        """Number of epochs of the trial."""
        return int(self.trial["config"]["trainer"]["max_epochs"])

    def finish(self, run: Run, completion: Completion | None = None) -> None:
        """Set the outcome of a run that has a valid completion record.

        Args:
            run: the run.
            completion: its record, read if it is not given.
        """
        self.run, self.completion, self.reason = run, completion or run.completion, ""
        assert self.completion is not None
        self.state = self.completion.outcome

    def use(self, run: Run) -> None:
        """Set the run that is trained; another one than before has a journal of its own."""
        if run != self.run:
            self.run, self.epochs, self.entries, self._offset = run, [], 0, 0

    def read_journal(self) -> bool:
        """Read the new entries of the journal and return whether one of them is an epoch."""
        if self.run is None:
            return False
        # A damaged or unreadable journal is reported by the trial's own process.
        with suppress(JournalError, OSError, ResourceError):
            entries, self._offset = read_entries(self.run.journal, self._offset)
            new = [entry for entry in entries if entry.kind == "epoch"]
            self.epochs += new
            self.entries += len(entries)
            return bool(new)
        return False


def make_jobs(plan: Plan, cells: Iterable[Cell] | None = None) -> list[Job]:
    """Return the jobs of some cells, seed by seed, so that comparisons are complete early.

    Args:
        plan: with the trials.
        cells: of the plan; by default all.
    """
    orders = [list(each) for each in (plan.spec.seeds, plan.spec.blocks, plan.spec.variants)]
    ranks = [{name: rank for rank, name in enumerate(order)} for order in orders]
    cells = sorted(
        plan.cells if cells is None else cells,
        key=lambda c: (ranks[0][c.seed], ranks[1][c.block], ranks[2][c.variant]),
    )
    return [Job(cell, plan.trials[cell.key]) for cell in cells]


def determine_outcome(run: Run, status: int, started_at: float) -> tuple[str, str]:
    """Return the outcome of an attempt and its reason.

    Args:
        run: the run that was trained.
        status: exit status of the process, negative for a signal. It is a hint only: the
            completion record decides.
        started_at: when the attempt started, seconds since 1970.

    Returns:
        ``finished``, ``diverged``, ``locked`` (another process trains it), ``failed`` (it raised,
        and would raise again), ``halted`` (the machine lacks something) or ``killed`` (worth
        another attempt); and the reason.
    """
    if (completion := run.completion) is not None:
        return completion.outcome, ""
    if status == LOCKED or run.is_locked():
        return "locked", "another process trains it"
    if status == NO_RESOURCE:
        return "halted", _describe_shortage(run, started_at)
    failure = last_failure(run, started_at)
    if failure is not None:
        return "failed", failure
    if status == FAILED:
        return "failed", f"ended with exit status 1 and no message; see {LOG}"
    return "killed", _describe_exit(status)


def last_failure(run: Run, since: float = 0.0) -> str | None:
    """Return the reason of the failure that the journal ends with, or None.

    Args:
        run: whose journal is read.
        since: seconds since 1970; an earlier failure belongs to an earlier attempt.
    """
    try:
        entries = run.entries()
    except JournalError as error:
        return str(error)
    if not entries or entries[-1].kind != "failed" or entries[-1].time < since:
        return None
    return str(entries[-1].note.get("error", "failed without a reason"))


def _describe_shortage(run: Run, since: float) -> str:
    """Return what the machine lacks: the journal's entry, else the error of a trial write."""
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


def _describe_exit(status: int) -> str:
    if status == -9:
        return "killed by SIGKILL (out of memory?)"
    if status < 0:
        return f"killed by signal {-status}"
    return f"ended with exit status {status} and no completion record"


def record_failure(run: Run, reason: str) -> None:
    """Append a failure to a run's journal on behalf of its process, which could not."""
    with suppress(JournalError, OSError, ResourceError), run.lock().acquire(timeout=0):
        journal = Journal(run.journal)
        last = journal.entries[-1] if journal.entries else None
        if last is None or last.kind != "failed":
            journal.append(Entry("failed", time.time(), note={"error": reason}))

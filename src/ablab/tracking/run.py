"""A run on disk: its records, lock, status and damage."""

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablab.tracking.completion import COMPLETION, Completion, checked_completion, read_completion
from ablab.tracking.files import DamagedError, read_json
from ablab.tracking.journal import Entry, check_epochs, read_entries
from ablab.tracking.sealed import read_sealed

if TYPE_CHECKING:
    from filelock import BaseFileLock

TRIAL = "trial.json"
JOURNAL = "journal.jsonl"
ENVIRONMENT = "environment.json"
LOG = "log.txt"
CHECKPOINT = "checkpoint.ckpt"
LOCK = "lock"
DISCARDED = "discarded"
IMPORTING = "importing"


@dataclass(frozen=True)
class Snapshot:
    """Stores the records of a run, consistent with each other.

    Attributes:
        is_locked: whether a living process writes the run.
        completion: the valid completion record, or None.
        entries: of the journal.
    """

    is_locked: bool
    completion: Completion | None
    entries: list[Entry]


@dataclass(frozen=True)
class Run:
    """One training of a trial from its start; resuming continues the same run.

    Attributes:
        folder: ``lab/trials/<key>/<number>``.
    """

    folder: Path

    @property
    def key(self) -> str:
        """The trial's key."""
        return self.folder.parent.name

    @property
    def number(self) -> str:
        """The run's number, three digits from 001."""
        return self.folder.name

    @property
    def trial(self) -> dict[str, Any]:
        """The resolved trial: ``key``, ``config``, ``choices``, ``data_hash``, ….

        Raises:
            DamagedError: the file is missing or was changed since it was written.
        """
        path = self.folder / TRIAL
        content = read_sealed(path)
        if content is None:
            raise DamagedError(f"{path} must exist, got no file")
        mappings = [content.get(name, {}) for name in ("config", "choices")]
        if content.get("key") != self.key or not all(isinstance(m, dict) for m in mappings):
            raise DamagedError(f"{path} must be trial {self.key}, got {content.get('key')}")
        return content

    @property
    def environment(self) -> dict[str, Any]:
        """Host, versions, commit, … of the last attempt; empty before the first.

        Raises:
            DamagedError: the file is not a JSON object.
        """
        path = self.folder / ENVIRONMENT
        content = read_json(path)
        if content is not None and not isinstance(content, dict):
            raise DamagedError(f"{path} must hold a JSON object, got another value")
        return content or {}

    @property
    def completion(self) -> Completion | None:
        """The valid completion record, or None."""
        return read_completion(self.folder)

    @property
    def journal(self) -> Path:
        """The journal's path."""
        return self.folder / JOURNAL

    def entries(self) -> list[Entry]:
        """Return the journal's entries."""
        return read_entries(self.journal)[0]

    def lock(self) -> "BaseFileLock":
        """Return the lock, not yet acquired, that the run's process holds as long as it lives."""
        from filelock import FileLock  # late, as in `Lab`: whoever only reads locks nothing

        return FileLock(self.folder / LOCK)

    def is_locked(self) -> bool:
        """Return whether a living process writes this run.

        A shared lock is tried instead of `lock`, which would need permission to write.
        """
        try:
            with (self.folder / LOCK).open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # it was never locked, or cannot be read
            return False
        return False

    def discard(self, reason: str) -> None:
        """Mark the run as discarded; its files are kept."""
        (self.folder / DISCARDED).write_text(reason + "\n", "utf-8")

    @property
    def is_discarded(self) -> bool:
        """Return whether the run was discarded."""
        return (self.folder / DISCARDED).exists()

    @property
    def is_pending(self) -> bool:
        """Return whether the run belongs to an import that is under way, or was broken off.

        Its marker names what the import puts in place last, relative to the lab.
        """
        try:
            awaited = (self.folder / IMPORTING).read_text("utf-8")
        except OSError:
            return False
        return not (self.folder.parents[2] / awaited).exists()

    def snapshot(self) -> Snapshot:
        """Return lock, completion record and journal, consistent even if the trial ends meanwhile.

        The lock is read first, so that a record that its holder wrote before the release is seen.
        If a file was written meanwhile, all are read again.

        Raises:
            DamagedError: the journal is damaged.
        """
        while True:
            before = self._stamps()
            snapshot = Snapshot(self.is_locked(), self.completion, self.entries())
            if self._stamps() == before:
                return snapshot

    def _stamps(self) -> list[tuple[int, int, int]]:
        stamps = []
        for name in (JOURNAL, COMPLETION):
            try:
                state = (self.folder / name).stat()
            except OSError:
                stamps.append((0, 0, 0))
            else:
                stamps.append((state.st_mtime_ns, state.st_size, state.st_ino))
        return stamps

    def status(self) -> str:
        """Return the status of the run according to its files.

        Returns:
            ``finished``, ``diverged``, ``running``, ``failed``, ``stopped``, ``new``, or
            ``damaged``: a record was changed since it was written, and `damage` names it.
        """
        try:
            snapshot = self.snapshot()
        except DamagedError:
            return "running" if self.is_locked() else "damaged"
        return self.status_of(snapshot)

    def status_of(self, snapshot: Snapshot) -> str:
        """Return the `status` of a snapshot of the run."""
        if snapshot.completion is not None:
            return snapshot.completion.outcome
        if snapshot.is_locked:
            return "running"
        if self.damage():
            return "damaged"
        if not snapshot.entries:
            return "new"
        return "failed" if snapshot.entries[-1].kind == "failed" else "stopped"

    def damage(self, *, thorough: bool = False) -> str:
        """Return which record was changed since it was written, and the remedy; empty if none.

        Args:
            thorough: see `ablab.tracking.completion.checked_completion`.
        """
        try:
            _ = self.trial, self.environment
            check_epochs(self.journal, self.entries())
            checked_completion(self.folder, thorough=thorough)
        except DamagedError as error:
            return f"{error}; the same `ablab train` or `ablab sweep` command trains it again"
        return ""

    def can_resume(self) -> bool:
        """Return whether training can resume: trial and journal are undamaged.

        Without a checkpoint, as in a finished run whose completion record was damaged, it starts
        again, and must repeat the journal's epochs bit for bit.
        """
        try:
            _ = self.trial
            check_epochs(self.journal, self.entries())
        except DamagedError:
            return False
        return True

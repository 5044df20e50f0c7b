"""The lab on disk: the folders of trials, runs and sweeps.

lab/
  lab.json                    marks the folder as a lab
  trials/<key>/<run>/         trial.json, journal.jsonl, completion.json, artifacts
  sweeps/<sweep>/             part-001.json, … and the reports
  mlflow.db, artifacts/       the store that MLflow shows; can be recreated from the rest
  cache/                      decoded data
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock

from ablab.folders import lab_folder
from ablab.tracking.completion import COMPLETION, Completion, checked_completion, read_completion
from ablab.tracking.files import DamagedError, read_json, write_json
from ablab.tracking.journal import Entry, check_epochs, read_entries
from ablab.tracking.sealed import read_sealed, write_sealed

TRIAL = "trial.json"
JOURNAL = "journal.jsonl"
ENVIRONMENT = "environment.json"
LOG = "log.txt"
LOCK = "lock"
DISCARDED = "discarded"


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

    def lock(self) -> BaseFileLock:
        """Return the lock, not yet acquired, that the run's process holds as long as it lives."""
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

    def damage(self) -> str:
        """Return which record was changed since it was written, and the remedy; empty if none."""
        try:
            _ = self.trial, self.environment
            check_epochs(self.journal, self.entries())
            checked_completion(self.folder)
        except DamagedError as error:
            return f"{error}; the same `ablab train` or `ablab sweep` command trains it again"
        return ""

    def can_resume(self) -> bool:
        """Return whether training can resume: trial and journal are undamaged."""
        try:
            _ = self.trial
            check_epochs(self.journal, self.entries())
        except DamagedError:
            return False
        return True


@dataclass(frozen=True)
class Lab:
    """The folder with all trials and sweeps of a user.

    Attributes:
        root: the folder.
    """

    root: Path

    @classmethod
    def open(cls, root: Path | None = None) -> "Lab":
        """Return the lab at ``root`` (default: `ablab.folders.lab_folder`), created if missing.

        Raises:
            DamagedError: its marker ``lab.json`` is not a file.
        """
        root = lab_folder() if root is None else root
        marker = root / "lab.json"
        if os.path.lexists(marker) and not marker.is_file():
            raise DamagedError(f"{marker} must be a file, got a folder or a broken link")
        if not marker.is_file():
            root.mkdir(parents=True, exist_ok=True)
            write_json(marker, {"schema": 1})
        return cls(root)

    def runs(self, key: str) -> list[Run]:
        """Return the trial's runs that were not discarded, oldest first."""
        folder = self.root / "trials" / key
        if not folder.is_dir():
            return []
        runs = (Run(f) for f in sorted(folder.iterdir()) if f.name.isdigit() and _has_records(f))
        return [run for run in runs if not run.is_discarded]

    def finished(self, key: str) -> Run | None:
        """Return the newest finished run of a trial, the one that reports use, or None."""
        return next((run for run in reversed(self.runs(key)) if run.completion), None)

    def new_run(self, trial: Mapping[str, Any]) -> Run:
        """Create the folder of a new run; earlier runs are not changed.

        Args:
            trial: the resolved trial, as `Run.trial` returns it.
        """
        folder = self.root / "trials" / trial["key"]
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            # A kill or a full disk may leave a folder without a trial: its number is reused.
            numbers = [int(f.parent.name) for f in folder.glob(f"*/{TRIAL}")]
            run = Run(folder / f"{max(numbers, default=0) + 1:03d}")
            run.folder.mkdir(exist_ok=True)
            write_sealed(run.folder / TRIAL, trial)
        return run

    def keys(self) -> Iterator[str]:
        """Yield the key of every trial in the lab."""
        folder = self.root / "trials"
        yield from sorted(f.name for f in folder.iterdir()) if folder.is_dir() else ()

    def sweep_folder(self, sweep: str) -> Path:
        """Return the folder of a sweep's plan and reports."""
        return self.root / "sweeps" / sweep

    def sweeps(self) -> list[str]:
        """Return the names of the sweeps that have a plan, alphabetically."""
        return sorted(p.parent.name for p in self.root.glob("sweeps/*/part-001.json"))


def _has_records(folder: Path) -> bool:
    """Return whether the folder is a run's; a kill may leave an empty one."""
    return any(os.path.lexists(folder / name) for name in (TRIAL, JOURNAL, COMPLETION))

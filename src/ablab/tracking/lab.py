"""The lab on disk: trials, their runs, who is writing them, and the folders of sweeps.

lab/
  lab.json                    marks the folder as a lab
  trials/<key>/<run>/        trial.json, journal.jsonl, completion.json, artifacts
  sweeps/<sweep>/             part-001.json, … and the reports
  mlflow.db, artifacts/       the index that MLflow shows; made anew from the rest
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
class Look:
    """A take as it was at one moment.

    Attributes:
        is_locked: whether a living process wrote it.
        completion: the valid completion record, or None.
        entries: of the journal.
    """

    is_locked: bool
    completion: Completion | None
    entries: list[Entry]


@dataclass(frozen=True)
class Run:
    """One training of a trial from its start; resumed, it is the same run.

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
        """The trial as it was frozen: ``key``, ``config``, ``choices``, ``data_hash``, ….

        Raises:
            DamagedError: the file is not as it was written.
        """
        path = self.folder / TRIAL
        content = read_sealed(path)
        if content is None:
            raise DamagedError(f"{path} must be there, got none")
        groups = [content.get(name, {}) for name in ("config", "choices")]
        if content.get("key") != self.key or not all(isinstance(g, dict) for g in groups):
            raise DamagedError(f"{path} must be trial {self.key}, got {content.get('key')}")
        return content

    @property
    def environment(self) -> dict[str, Any]:
        """Facts of the last attempt: host, versions, commit, …; empty where there are none.

        Raises:
            DamagedError: the file is no JSON object.
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
        """Return the lock that the run's one writer holds for life (not yet acquired)."""
        return FileLock(self.folder / LOCK)

    def is_locked(self) -> bool:
        """Tell whether a living process writes this run, without a right to write there."""
        try:
            with (self.folder / LOCK).open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # nobody has ever locked it, or nobody may know
            return False
        return False

    def discard(self, reason: str) -> None:
        """Mark the run as one that counts no more; its files stay."""
        (self.folder / DISCARDED).write_text(reason + "\n", "utf-8")

    @property
    def is_discarded(self) -> bool:
        """Tell whether the run was marked as one that counts no more."""
        return (self.folder / DISCARDED).exists()

    def look(self) -> Look:
        """Return lock, completion record and journal of one moment, though a trial may end now.

        The lock comes first: a record that its holder wrote before it let go is then seen. What
        was written meanwhile is read again.

        Raises:
            DamagedError: the journal is damaged.
        """
        while True:
            before = self._stamps()
            look = Look(self.is_locked(), self.completion, self.entries())
            if self._stamps() == before:
                return look

    def _stamps(self) -> list[tuple[int, int, int]]:
        found = []
        for name in (JOURNAL, COMPLETION):
            try:
                state = (self.folder / name).stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((state.st_mtime_ns, state.st_size, state.st_ino))
        return found

    def status(self) -> str:
        """Return what the disk alone says of the run.

        Returns:
            ``finished``, ``diverged``, ``running``, ``failed``, ``stopped``, ``new``, or
            ``damaged``: a record of it is not as it was written, and `damage` says which.
        """
        try:
            look = self.look()
        except DamagedError:
            return "running" if self.is_locked() else "damaged"
        return self.outcome(look)

    def outcome(self, look: Look) -> str:
        """Return what `status` does of a take as it was then."""
        if look.completion is not None:
            return look.completion.outcome
        if look.is_locked:
            return "running"
        if self.damage():
            return "damaged"
        if not look.entries:
            return "new"
        return "failed" if look.entries[-1].kind == "failed" else "stopped"

    def damage(self) -> str:
        """Return which record is not as it was written and what to do, empty where all are."""
        try:
            _ = self.trial, self.environment
            check_epochs(self.journal, self.entries())
            checked_completion(self.folder)
        except DamagedError as error:
            return f"{error}; the same `ablab train` or `ablab sweep` command redoes it"
        return ""

    def can_go_on(self) -> bool:
        """Tell whether training can go on in this run: its trial and its journal are sound."""
        try:
            _ = self.trial
            check_epochs(self.journal, self.entries())
        except DamagedError:
            return False
        return True


@dataclass(frozen=True)
class Lab:
    """The folder that holds all a user's work.

    Attributes:
        root: the folder.
    """

    root: Path

    @classmethod
    def open(cls, root: Path | None = None) -> "Lab":
        """Return the lab at ``root`` (default: where `ablab.folders.lab_folder` finds it).

        Makes the folder where there is none.
        """
        root = lab_folder() if root is None else root
        marker = root / "lab.json"
        if os.path.lexists(marker) and not marker.is_file():
            raise DamagedError(f"{marker} must be a file, got a folder or a link to nothing")
        if not marker.is_file():
            root.mkdir(parents=True, exist_ok=True)
            write_json(marker, {"schema": 1})
        return cls(root)

    def runs(self, key: str) -> list[Run]:
        """Return the trial's runs, oldest first, those that were discarded left out."""
        folder = self.root / "trials" / key
        if not folder.is_dir():
            return []
        runs = (Run(f) for f in sorted(folder.iterdir()) if f.name.isdigit() and _is_begun(f))
        return [run for run in runs if not run.is_discarded]

    def finished(self, key: str) -> Run | None:
        """Return the newest finished run of a trial, the one that counts, or None."""
        return next((t for t in reversed(self.runs(key)) if t.completion), None)

    def new_run(self, trial: Mapping[str, Any]) -> Run:
        """Make the folder of a new run; the earlier ones stay as they are.

        Args:
            trial: what `Run.trial` will return, ``key`` among it.
        """
        folder = self.root / "trials" / trial["key"]
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            # A folder without a trial is what a kill, or a full disk, left of a run.
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


def _is_begun(folder: Path) -> bool:
    """Tell whether a run was made here; a kill may leave an empty folder behind."""
    return any(os.path.lexists(folder / name) for name in (TRIAL, JOURNAL, COMPLETION))

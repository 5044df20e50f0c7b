"""The lab on disk: trials, their takes, who is writing them, and the folders of sweeps.

lab/
  lab.json                    marks the folder as a lab
  trials/<key>/<take>/        trial.json, journal.jsonl, completion.json, artifacts
  sweeps/<sweep>/             part-001.json, … and the reports
  mlflow.db, artifacts/       the index that MLflow shows; made anew from the rest
  cache/                      decoded data
"""

import fcntl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock

from ablab.folders import lab_folder
from ablab.tracking.completion import Completion, read_completion
from ablab.tracking.files import read_json, write_json
from ablab.tracking.journal import Entry, read_entries

TRIAL = "trial.json"
JOURNAL = "journal.jsonl"
LOCK = "lock"
DISCARDED = "discarded"


@dataclass(frozen=True)
class Take:
    """One training of a trial from its start; resumed, it is the same take.

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
        """The take's number, three digits from 001."""
        return self.folder.name

    @property
    def trial(self) -> dict[str, Any]:
        """The trial as it was frozen: ``key``, ``config``, ``choices``, ``data_hash``, …."""
        content: dict[str, Any] = read_json(self.folder / TRIAL)
        return content

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
        """Return the lock that the take's one writer holds for life (not yet acquired)."""
        return FileLock(self.folder / LOCK)

    def is_locked(self) -> bool:
        """Tell whether a living process writes this take, without a right to write there."""
        try:
            with (self.folder / LOCK).open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # nobody has ever locked it, or nobody may know
            return False
        return False

    def discard(self, reason: str) -> None:
        """Mark the take as one that counts no more; its files stay."""
        (self.folder / DISCARDED).write_text(reason + "\n", "utf-8")

    @property
    def is_discarded(self) -> bool:
        """Tell whether the take was marked as one that counts no more."""
        return (self.folder / DISCARDED).exists()

    def status(self) -> str:
        """Return finished, diverged, running, failed, stopped or new, from the disk alone."""
        completion = self.completion
        if completion is not None:
            return completion.outcome
        if self.is_locked():
            return "running"
        kinds = [entry.kind for entry in self.entries()]
        if not kinds:
            return "new"
        return "failed" if kinds[-1] == "failed" else "stopped"


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
        if not marker.is_file():
            root.mkdir(parents=True, exist_ok=True)
            write_json(marker, {"schema": 1})
        return cls(root)

    def takes(self, key: str) -> list[Take]:
        """Return the trial's takes, oldest first, those that were discarded left out."""
        folder = self.root / "trials" / key
        if not folder.is_dir():
            return []
        takes = (Take(f) for f in sorted(folder.iterdir()) if (f / TRIAL).is_file())
        return [take for take in takes if not take.is_discarded]

    def finished(self, key: str) -> Take | None:
        """Return the newest finished take of a trial, the one that counts, or None."""
        return next((t for t in reversed(self.takes(key)) if t.completion), None)

    def new_take(self, trial: Mapping[str, Any]) -> Take:
        """Make the folder of a new take; the earlier ones stay as they are.

        Args:
            trial: what `Take.trial` will return, ``key`` among it.
        """
        folder = self.root / "trials" / trial["key"]
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            # A folder without a trial is what a kill, or a full disk, left of a take.
            numbers = [int(f.parent.name) for f in folder.glob(f"*/{TRIAL}")]
            take = Take(folder / f"{max(numbers, default=0) + 1:03d}")
            take.folder.mkdir(exist_ok=True)
            write_json(take.folder / TRIAL, dict(trial))
        return take

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

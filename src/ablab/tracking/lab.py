"""The lab on disk: the folders of trials, runs and sweeps.

lab/
  lab.json                    marks the folder as a lab
  trials/<key>/<run>/         trial.json, journal.jsonl, completion.json, artifacts
  sweeps/<sweep>/             part-001.json, … and the reports
  mlflow.db, artifacts/       the store that MLflow shows; can be recreated from the rest
  cache/                      decoded data
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.tracking.completion import COMPLETION, Completion, write_completion
from ablab.tracking.files import DamagedError, sync_folder, write_json
from ablab.tracking.run import IMPORTING, JOURNAL, TRIAL, Run
from ablab.tracking.sealed import write_sealed

if TYPE_CHECKING:
    from filelock import BaseFileLock


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
        """Return the trial's runs, oldest first, without discarded and half-imported ones."""
        folder = self.root / "trials" / key
        if not folder.is_dir():
            return []
        runs = (Run(f) for f in sorted(folder.iterdir()) if f.name.isdigit() and _has_records(f))
        return [run for run in runs if not (run.is_discarded or run.is_pending)]

    def finished(self, key: str) -> Run | None:
        """Return the newest finished run of a trial, the one that reports use, or None."""
        result = self.result(key)
        return result[0] if result else None

    def result(self, key: str) -> tuple[Run, Completion] | None:
        """Return the newest finished run of a trial with its completion record, or None.

        Reading a record compares the run's files with it, which takes time.
        """
        results = ((run, run.completion) for run in reversed(self.runs(key)))
        return next(((run, record) for run, record in results if record is not None), None)

    def new_run(self, trial: Mapping[str, Any]) -> Run:
        """Create the folder of a new run; earlier runs are not changed.

        Args:
            trial: the resolved trial, as `Run.trial` returns it.
        """
        folder = self.root / "trials" / trial["key"]
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            # A kill or a full disk may leave a folder without a trial: its number is reused.
            numbers = [int(f.parent.name) for f in folder.glob(f"*/{TRIAL}")]
            run = Run(folder / f"{max(numbers, default=0) + 1:03d}")
            run.folder.mkdir(exist_ok=True)
            write_sealed(run.folder / TRIAL, trial)
        return run

    def adopt(self, run: Run) -> Run:
        """Move a run from outside into the lab, under its number or, if that is taken, the next.

        Args:
            run: its folder is on the same filesystem.
        """
        folder = self.root / "trials" / run.key
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            taken = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
            number = run.number if not taken else f"{max(taken) + 1:03d}"
            if number != run.number and run.completion is not None:
                write_completion(run.folder, replace(run.completion, run=number))
            run.folder.replace(folder / number)
            sync_folder(folder)
        return Run(folder / number)

    def keys(self) -> Iterator[str]:
        """Yield the key of every trial in the lab."""
        folder = self.root / "trials"
        for name in sorted(f.name for f in folder.iterdir()) if folder.is_dir() else ():
            if not any((folder / name).glob(f"*/{IMPORTING}")) or self.runs(name):
                yield name

    def find_key(self, prefix: str) -> str:
        """Return the key of the one trial whose key has this prefix.

        Raises:
            InputError: no key or several keys have it.
        """
        keys = [key for key in self.keys() if key.startswith(prefix)]
        if len(keys) == 1:
            return keys[0]
        listed = ", ".join(keys) or f"none in {self.root}"
        raise InputError(f"key must begin one trial's key, got {prefix}, which begins {listed}")

    def sweep_folder(self, sweep: str) -> Path:
        """Return the folder of a sweep's plan and reports."""
        return self.root / "sweeps" / sweep

    def sweeps(self) -> list[str]:
        """Return the names of the sweeps that have a plan, alphabetically."""
        return sorted(p.parent.name for p in self.root.glob("sweeps/*/part-001.json"))


def _lock(folder: Path) -> "BaseFileLock":
    """Return the lock of a trial's folder, in which two processes may begin a run."""
    from filelock import FileLock  # late: fourteen milliseconds, and whoever reads locks nothing

    return FileLock(folder / ".lock")


def _has_records(folder: Path) -> bool:
    """Return whether the folder is a run's; a kill may leave an empty one."""
    return any(os.path.lexists(folder / name) for name in (TRIAL, JOURNAL, COMPLETION))

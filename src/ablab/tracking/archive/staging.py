"""An archive unpacked into a folder of its own, where every record is checked before it counts."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ablab.disk import require_space
from ablab.errors import InputError
from ablab.tracking.archive.export import CHECKPOINT, RECORDS, trial_keys
from ablab.tracking.archive.manifest import RUN_FILE, Manifest
from ablab.tracking.archive.tar import TarReader
from ablab.tracking.completion import (
    COMPLETION,
    OMITTED,
    Completion,
    checked_completion,
    is_weights,
)
from ablab.tracking.files import DamagedError, write_atomic
from ablab.tracking.journal import check_epochs
from ablab.tracking.plan import Plan, read_plan
from ablab.tracking.run import TRIAL, Run
from ablab.tracking.sealed import read_sealed

SWEEP = "sweep"
RECEIVED = "received"  # the sender's reports: web pages from outside, which no command reads
Check = Callable[[Mapping[str, Any]], Sequence[str]]
"""Returns the faults of a trial, as in ``trial.json``."""


@dataclass(frozen=True)
class Staged:
    """An archive on disk, not part of the lab yet.

    Attributes:
        folder: holds ``sweep/`` and ``trials/<key>/<run>/``.
        manifest: what the archive lists.
    """

    folder: Path
    manifest: Manifest

    @cached_property
    def runs(self) -> dict[str, Run]:
        """The run of each trial, by key."""
        found = [RUN_FILE.fullmatch(name) for name in self.manifest.files]
        folders = dict.fromkeys((m["key"], m["run"]) for m in found if m)
        keys = [key for key, _ in folders]
        if len(set(keys)) != len(keys):
            raise InputError("archive must hold one run of each trial, got two")
        return {key: Run(self.folder / "trials" / key / run) for key, run in folders}

    @cached_property
    def plan(self) -> Plan:
        """The sweep's plan."""
        plan = read_plan(self.folder / SWEEP)
        expected = [f"part-{i + 1:03d}.json" for i in range(len(self.manifest.plan_files))]
        if plan is None or sorted(self.manifest.plan_files) != expected:
            raise InputError("archive must hold the whole plan of a sweep, got another")
        return plan

    def names(self, run: Run) -> set[str]:
        """Return the names of a run's files in the archive."""
        start = f"trials/{run.key}/{run.number}/"
        return {n.removeprefix(start) for n in self.manifest.files if n.startswith(start)}


def unpack(reader: TarReader, manifest: Manifest, folder: Path) -> Staged:
    """Write the files of an archive into a new folder.

    Raises:
        InputError: the archive differs from its manifest.
        ResourceError: there is too little disk space.
    """
    require_space(folder, sum(f.size for f in manifest.files.values()), "to unpack")
    for name, file in manifest.files.items():
        path = folder / name.replace("sweep/report/", f"{SWEEP}/{RECEIVED}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            reader.read_into(name, file, stream.write)
            stream.flush()
            os.fsync(stream.fileno())
    reader.expect_end()
    return Staged(folder, manifest)


def check_staged(staged: Staged, check: Check) -> None:
    """Check every record of an archive as if it were hostile.

    Args:
        staged: the unpacked archive.
        check: checks a trial's configuration.

    Raises:
        InputError: a record is damaged, is not that of its trial, or belongs to no trial.
    """
    try:
        plan, runs = staged.plan, staged.runs
        known = set(trial_keys(plan.trials, lambda key: runs[key].trial if key in runs else None))
        if unknown := sorted(runs.keys() - known):
            raise InputError(f"archive must hold trials of its plan alone, got {unknown[0]}")
        for key, trial in plan.trials.items():
            _refuse(check({**trial, "key": key}), "the plan")
        for asked in (each for search in plan.searches for each in search.asked):
            for trial in asked.trials:
                _refuse(check(trial), "the record of a search")
        for run in runs.values():
            _check_run(run, staged.names(run), check)
    except DamagedError as error:
        text = str(error).replace(f"{staged.folder}{os.sep}", "").partition("; move it")[0]
        raise InputError(f"archive must hold undamaged records, got: {text}") from error


def _check_run(run: Run, names: set[str], check: Check) -> None:
    _note_omitted(run, names)
    _ = run.environment
    check_epochs(run.journal, run.entries())
    completion = checked_completion(run.folder, thorough=True)
    _refuse(check(run.trial), f"{run.key}/{run.number}/{TRIAL}")
    if unknown := sorted(names - _expected(completion)):
        raise InputError(
            f"trial {run.key} must have the files of its records alone, got {unknown[0]}"
        )


def _expected(completion: Completion | None) -> set[str]:
    own = [CHECKPOINT] if completion is None else completion.artifacts
    return {*RECORDS, *own}


def _note_omitted(run: Run, names: set[str]) -> None:
    """Note which weights the archive left out, so that the run does not count as damaged."""
    content = read_sealed(run.folder / COMPLETION) or {}
    artifacts = content.get("artifacts")
    listed = artifacts if isinstance(artifacts, dict) else {}
    omitted = [name for name in listed if is_weights(name) and name not in names]
    if omitted:
        write_atomic(run.folder / OMITTED, "".join(f"{name}\n" for name in omitted))


def _refuse(faults: Sequence[str], where: str) -> None:
    if faults:
        raise InputError("\n".join(f"{fault} (in {where})" for fault in faults[:5]))

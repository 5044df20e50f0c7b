"""Export of a sweep: its plan, the run of each trial that counts, and its reports, in one file."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ablab
from ablab.errors import InputError
from ablab.tracking.archive.manifest import (
    MANIFEST,
    REPORT,
    SEARCH_FILE,
    File,
    Manifest,
    member_fault,
)
from ablab.tracking.archive.tar import write_tar
from ablab.tracking.completion import COMPLETION, is_weights
from ablab.tracking.files import file_sha256
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan
from ablab.tracking.run import ENVIRONMENT, JOURNAL, LOG, TRIAL, Run
from ablab.tracking.search import SEARCH

CHECKPOINT = "checkpoint.ckpt"
CONFIG = "config.yaml"
RECORDS = (TRIAL, ENVIRONMENT, JOURNAL, LOG, CONFIG, COMPLETION)
_ENDED = ("finished", "diverged")
_STOPPED = ("failed", "stopped")


@dataclass(frozen=True)
class Export:
    """An archive that can be written.

    Attributes:
        manifest: what it holds.
        sources: path of each member.
        num_runs: number of runs.
        left_out: reason by key, of trials without a run in the archive.
    """

    manifest: Manifest
    sources: Mapping[str, Path]
    num_runs: int
    left_out: Mapping[str, str]

    def write(self, target: BinaryIO) -> None:
        """Write the archive.

        Raises:
            InputError: a file changed meanwhile.
        """
        write_tar(target, (MANIFEST, self.manifest.encode()), self.manifest.files, self.sources)

    @property
    def num_bytes(self) -> int:
        """Size of all files."""
        return sum(file.size for file in self.manifest.files.values())


def make_export(lab: Lab, plan: Plan, *, weights: bool = True) -> Export:
    """Return the archive of a sweep.

    A finished trial travels with all artifacts; one that failed or was stopped with its checkpoint,
    to be continued elsewhere. Of a search its record travels, so that it need not be repeated, and
    not its trials. Neither code nor data are in the archive.

    Args:
        lab: contains the runs.
        plan: of the sweep.
        weights: whether to include weights and checkpoints. Without them, a trial that has not
            ended is left out: nobody could continue it.

    Raises:
        InputError: no trial of the sweep has ended.
    """
    sources: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    runs = 0
    for key in trial_keys(plan.trials, lambda key: _trial_of(lab, key)):
        run = lab.finished(key) or next(reversed(lab.runs(key)), None)
        state = "new" if run is None else run.status()
        if run is None or not _travels(state, weights):
            left_out[key] = {"new": "not trained yet"}.get(state, state)
            continue
        runs += 1
        sources |= {f"trials/{key}/{run.number}/{n}": run.folder / n for n in _files(run, weights)}
    if not runs:
        raise InputError(f"sweep must have a trained trial, got {plan.sweep} without")
    folder = lab.sweep_folder(plan.sweep)
    own = {f"sweep/{path.name}": path for path in sorted(folder.glob("part-*.json"))}
    own |= {SEARCH_FILE: folder / SEARCH} if (folder / SEARCH).exists() else {}
    own |= {f"sweep/report/{p.name}": p for p in sorted(folder.glob("report/*"))}
    own = {n: p for n, p in own.items() if not n.startswith("sweep/report") or REPORT.fullmatch(n)}
    sources = own | sources
    if faults := [f"{sources[n]} must {rule}" for n in sources if (rule := member_fault(n))]:
        raise InputError("\n".join(faults[:5]))
    files = {name: File(path.stat().st_size, file_sha256(path)) for name, path in sources.items()}
    host = socket.gethostname()
    manifest = Manifest(plan.sweep, files, host, ablab.__version__, time.time())
    return Export(manifest, sources, runs, left_out)


def trial_keys(trials: Mapping[str, Mapping[str, Any]], find: Any) -> list[str]:
    """Return the keys of a plan's trials, and of those whose weights they start from.

    Args:
        trials: by key.
        find: returns another trial by its key, None if it is unknown.
    """
    keys = dict.fromkeys(trials)
    waiting = list(trials.values())
    while waiting:
        source = (waiting.pop().get("config") or {}).get("init_from")
        if isinstance(source, str) and source not in keys:
            keys[source] = None
            waiting += filter(None, [find(source)])
    return list(keys)


def _trial_of(lab: Lab, key: str) -> Mapping[str, Any] | None:
    run = lab.finished(key)
    return None if run is None else run.trial


def _travels(state: str, weights: bool) -> bool:
    return state in _ENDED or (weights and state in _STOPPED)


def _files(run: Run, weights: bool) -> list[str]:
    """Return the names of a run's files to be carried; those that are missing are left out."""
    completion = run.completion
    artifacts = [CHECKPOINT] if completion is None else sorted(completion.artifacts)
    names = dict.fromkeys((*RECORDS, *artifacts))
    return [
        name
        for name in names
        if (weights or not is_weights(name)) and (run.folder / name).is_file()
    ]

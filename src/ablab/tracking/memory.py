"""What the runs of a run have been told, remembered in the run's folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablab.errors import ResourceError
from ablab.tracking.files import read_json, write_json
from ablab.tracking.lab import Run

RUNS = "runs.json"
DUPLICATE = "ablab.duplicate_of"


@dataclass
class Told:
    """What a run has been told so far.

    Attributes:
        run_id: MLflow's id.
        entries: how many lines of the journal it holds.
        params: whether it has all params.
        facts: the SHA-256 of the name, tags and status that it was last given.
        files: the outcome at which it was last given artifacts.
        completion: the SHA-256 of the completion record that it was given, last of all.
        mirror_of: the run's own run, if this one mirrors it.
        deleted: whether the user deleted it; so it stays when the store is made anew.
    """

    run_id: str
    entries: int = 0
    params: bool = False
    facts: str = ""
    files: str = ""
    completion: str = ""
    mirror_of: str | None = None
    deleted: bool = False


class Memory:
    """What every run of a run has been told, by store and experiment; kept in ``runs.json``.

    A damaged file is as good as none: all of it can be found again.
    """

    def __init__(self, run: Run, label: str) -> None:
        self._path: Path = run.folder / RUNS
        self._store = label
        try:
            self._all: dict[str, dict[str, Any]] = read_json(self._path) or {}
            self.mlflow_runs = {name: Told(**told) for name, told in self._all[self._store].items()}
        except (ValueError, TypeError, AttributeError, KeyError, ResourceError):
            self._all = self._all if isinstance(getattr(self, "_all", None), dict) else {}
            self.mlflow_runs = {}

    def keep(self) -> None:
        """Write it down."""
        self._all[self._store] = {name: asdict(told) for name, told in self.mlflow_runs.items()}
        write_json(self._path, self._all)

    def own_mlflow_run(self, experiment: str) -> str | None:
        """Return the run's own run, if another experiment than this one should hold it."""
        own = (t.run_id for n, t in self.mlflow_runs.items() if n != experiment and not t.mirror_of)
        return next(own, None)

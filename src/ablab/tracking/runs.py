"""Which run shows a take: remembered in the take's folder, found again by tag, made once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablab.tracking.files import read_json, write_json
from ablab.tracking.lab import Take
from ablab.tracking.store import Store
from ablab.tracking.values import milliseconds

RUNS = "runs.json"
DUPLICATE = "ablab.duplicate_of"


class RunDeletedError(RuntimeError):
    """The user deleted a take's run in MLflow: the take counts no more.

    Attributes:
        take: the take.
        run_id: the deleted run.
    """

    def __init__(self, take: Take, run_id: str) -> None:
        super().__init__(f"run {run_id} of trial {take.key}, take {take.number}, was deleted")
        self.take = take
        self.run_id = run_id


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
        mirror_of: the take's own run, if this one mirrors it.
    """

    run_id: str
    entries: int = 0
    params: bool = False
    facts: str = ""
    files: str = ""
    completion: str = ""
    mirror_of: str | None = None


class Memory:
    """What every run of a take has been told, by store and experiment; kept in ``runs.json``.

    A damaged file is as good as none: all of it can be found again.
    """

    def __init__(self, take: Take, store: Store) -> None:
        self._path: Path = take.folder / RUNS
        self._store = store.label
        try:
            self._all: dict[str, dict[str, Any]] = read_json(self._path) or {}
            self.runs = {name: Told(**told) for name, told in self._all[self._store].items()}
        except (ValueError, TypeError, AttributeError, KeyError):
            self._all = self._all if isinstance(getattr(self, "_all", None), dict) else {}
            self.runs = {}

    def keep(self) -> None:
        """Write it down."""
        self._all[self._store] = {name: asdict(told) for name, told in self.runs.items()}
        write_json(self._path, self._all)

    def own_run(self, experiment: str) -> str | None:
        """Return the take's own run, if another experiment than this one should hold it."""
        own = (t.run_id for n, t in self.runs.items() if n != experiment and not t.mirror_of)
        return next(own, None)


def run_of(take: Take, store: Store, experiment: str) -> str | None:
    """Return the id of the run that shows the take in an experiment, as far as remembered."""
    told = Memory(take, store).runs.get(experiment)
    return told.run_id if told else None


def remembered(store: Store, run_id: str) -> Any:
    """Return MLflow's run, deleted or not; None where the store has never heard of it."""
    from mlflow.exceptions import MlflowException

    try:
        return store.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def is_deleted(run: Any) -> bool:
    """Tell whether the user deleted a run."""
    return bool(run.info.lifecycle_stage == "deleted")


def find_or_make(
    store: Store, experiment: str, take: Take, *, begun: float, name: str, tags: Mapping[str, str]
) -> Any:
    """Return the one run of a take in an experiment.

    A request that MLflow repeated may have made two: the first by id stays, the others are
    marked as its duplicates.

    Args:
        store: the open store.
        experiment: the experiment's name.
        take: the take.
        begun: time of the journal's first line; together with the key it tells this take
            from one that another lab brought to the same store.
        name: name of a run that has to be made.
        tags: its tags, ``ablab.take`` among them.

    Raises:
        RunDeletedError: there was one, and the user deleted it.
    """
    identity, start = store.experiment(experiment), milliseconds(begun)
    runs = _search(store, identity, tags["ablab.take"], start)
    if not runs:
        made = store.client.create_run(identity, start, dict(tags), name)
        if store.database is not None:
            return made
        runs = _search(store, identity, tags["ablab.take"], start)
    first, *others = sorted(runs, key=lambda run: (_incomplete(run), run.info.run_id))
    if is_deleted(first):
        raise RunDeletedError(take, first.info.run_id)
    for other in others:
        if not is_deleted(other):
            store.client.set_tag(other.info.run_id, DUPLICATE, first.info.run_id)
            store.client.update_run(other.info.run_id, status="KILLED")
    return first


def _search(store: Store, identity: str, take: str, start: int) -> list[Any]:
    from mlflow.entities import ViewType

    query = f"tags.`ablab.take` = '{take}'"
    runs = store.client.search_runs([identity], query, run_view_type=ViewType.ALL)
    return [
        run
        for run in runs
        if run.info.start_time == start and run.data.tags.get(DUPLICATE) in (None, "")
    ]


def _incomplete(run: Any) -> int:
    return 2 * is_deleted(run) + ("completion" not in run.data.params)

"""Which run shows a take: remembered in the take's folder, found again by tag, made once."""

from collections.abc import Mapping
from typing import Any

from ablab.tracking.lab import Take
from ablab.tracking.memory import DUPLICATE, Memory
from ablab.tracking.store import Store
from ablab.tracking.values import milliseconds


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


def run_of(take: Take, store: Store, experiment: str) -> str | None:
    """Return the id of the run that shows the take in an experiment, as far as remembered."""
    told = Memory(take, store.label).runs.get(experiment)
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


def retire(store: Store, run: Any) -> None:
    """Put away a run that shows an end of its take which was recorded anew since.

    MLflow changes no param, and so no checksum of a completion record.
    """
    store.client.set_tag(run.info.run_id, DUPLICATE, "an end that was recorded anew")
    store.client.delete_run(run.info.run_id)


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

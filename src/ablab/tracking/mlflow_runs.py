"""Which run shows a run: remembered in the run's folder, found again by tag, made once."""

from collections.abc import Mapping
from typing import Any

from ablab.tracking.lab import Run
from ablab.tracking.memory import DUPLICATE, Memory
from ablab.tracking.store import Store
from ablab.tracking.values import milliseconds


class RunDeletedError(RuntimeError):
    """The user deleted a run's run in MLflow: the run counts no more.

    Attributes:
        run: the run.
        run_id: the deleted run.
    """

    def __init__(self, run: Run, run_id: str) -> None:
        super().__init__(f"run {run_id} of trial {run.key}, run {run.number}, was deleted")
        self.run = run
        self.run_id = run_id


def mlflow_run_id(run: Run, store: Store, experiment: str) -> str | None:
    """Return the id of the run that shows the run in an experiment, as far as remembered."""
    told = Memory(run, store.label).mlflow_runs.get(experiment)
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


def is_deleted(mlflow_run: Any) -> bool:
    """Tell whether the user deleted a run."""
    return bool(mlflow_run.info.lifecycle_stage == "deleted")


def retire(store: Store, mlflow_run: Any) -> None:
    """Put away a run that shows an end of its run which was recorded anew since.

    MLflow changes no param, and so no checksum of a completion record.
    """
    store.client.set_tag(mlflow_run.info.run_id, DUPLICATE, "an end that was recorded anew")
    store.client.delete_run(mlflow_run.info.run_id)


def find_or_make(
    store: Store, experiment: str, run: Run, *, begun: float, name: str, tags: Mapping[str, str]
) -> Any:
    """Return the one run of a take in an experiment.

    A request that MLflow repeated may have made two: the first by id stays, the others are
    marked as its duplicates.

    Args:
        store: the open store.
        experiment: the experiment's name.
        run: the run.
        begun: time of the journal's first line; together with the key it tells this take
            from one that another lab brought to the same store.
        name: name of a run that has to be made.
        tags: its tags, ``ablab.take`` among them.

    Raises:
        RunDeletedError: there was one, and the user deleted it.
    """
    identity, start = store.experiment(experiment), milliseconds(begun)
    mlflow_runs = _search(store, identity, tags["ablab.take"], start)
    if not mlflow_runs:
        made = store.client.create_run(identity, start, dict(tags), name)
        if store.database is not None:
            return made
        mlflow_runs = _search(store, identity, tags["ablab.take"], start)
    first, *others = sorted(
        mlflow_runs, key=lambda mlflow_run: (_incomplete(mlflow_run), mlflow_run.info.run_id)
    )
    if is_deleted(first):
        raise RunDeletedError(run, first.info.run_id)
    for other in others:
        if not is_deleted(other):
            store.client.set_tag(other.info.run_id, DUPLICATE, first.info.run_id)
            store.client.update_run(other.info.run_id, status="KILLED")
    return first


def _search(store: Store, identity: str, run: str, start: int) -> list[Any]:
    from mlflow.entities import ViewType

    query = f"tags.`ablab.take` = '{run}'"
    mlflow_runs = store.client.search_runs([identity], query, run_view_type=ViewType.ALL)
    return [
        mlflow_run
        for mlflow_run in mlflow_runs
        if mlflow_run.info.start_time == start and mlflow_run.data.tags.get(DUPLICATE) in (None, "")
    ]


def _incomplete(mlflow_run: Any) -> int:
    return 2 * is_deleted(mlflow_run) + ("completion" not in mlflow_run.data.params)

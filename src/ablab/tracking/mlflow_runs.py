"""Finds the MLflow run of a run by its stored id, else by its tags, or creates it, once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ablab.tracking import values
from ablab.tracking.completion import completion_sha
from ablab.tracking.delivery_state import DUPLICATE, DeliveryState, write_states
from ablab.tracking.run import Run, Snapshot
from ablab.tracking.store import Store

MIRROR = "mirror_of"


class RunDeletedError(RuntimeError):
    """The user deleted the MLflow run of a run: the run should be discarded.

    Attributes:
        run: the run.
        run_id: id of the deleted MLflow run.
    """

    def __init__(self, run: Run, run_id: str) -> None:
        super().__init__(f"MLflow run {run_id} of trial {run.key}, run {run.number}, was deleted")
        self.run = run
        self.run_id = run_id


@dataclass(frozen=True)
class RunLookup:
    """Finds or creates the one MLflow run of a run in an experiment.

    Attributes:
        run: the run.
        store: the open store.
        experiment: name of the experiment.
        snapshot: the run's records; at least one journal entry.
        states: the run's delivery states by experiment; updated in place.
        mirror_of: id of the MLflow run that a new one mirrors; by default the one that another
            experiment of the store received first.
    """

    run: Run
    store: Store
    experiment: str
    snapshot: Snapshot
    states: dict[str, DeliveryState]
    mirror_of: str | None

    def find_or_create(self, name: str, tags: Mapping[str, str]) -> Any:
        """Return the MLflow run.

        Args:
            name: name of a new MLflow run.
            tags: tags of a new MLflow run, besides those of `ablab.tracking.values.tags`.

        Raises:
            RunDeletedError: the user deleted it.
        """
        state = self.states.get(self.experiment)
        mlflow_run = self._get_known(state)
        while mlflow_run is None or state is None or self._shows_other_completion(mlflow_run):
            if mlflow_run is not None and state is not None:
                self._retire(mlflow_run)
            mlflow_run = self._search_or_create(name, tags)
            mirror_of = mlflow_run.data.tags.get(MIRROR)
            state = DeliveryState(mlflow_run.info.run_id, mirror_of=mirror_of)
            self._save(state)
        if state.deleted:  # restored in MLflow
            self._save(replace(state, deleted=False))
        return mlflow_run

    def mark_deleted(self, run_id: str) -> None:
        """Record that the user deleted the MLflow run."""
        state = self.states.get(self.experiment) or DeliveryState(run_id)
        if not state.deleted:
            self._save(replace(state, deleted=True))

    def restore(self, run_id: str) -> None:
        """Restore a deleted MLflow run; one that the store no longer has is created again."""
        self.states.pop(self.experiment, None)
        mlflow_run = get_run(self.store, run_id)
        if mlflow_run is not None and is_deleted(mlflow_run):
            self.store.client.restore_run(run_id)

    def _get_known(self, state: DeliveryState | None) -> Any:
        """Return the MLflow run of a state, None without a state or if the store has no such run.

        Raises:
            RunDeletedError: the user deleted it.
        """
        if state is None:
            return None
        mlflow_run = get_run(self.store, state.run_id)
        if mlflow_run and is_deleted(mlflow_run):
            self.store.experiment(self.experiment)  # restores the runs of a deleted experiment
            mlflow_run = get_run(self.store, state.run_id)
            if is_deleted(mlflow_run):
                raise RunDeletedError(self.run, state.run_id)
        if state.deleted and mlflow_run is None:
            raise RunDeletedError(self.run, state.run_id)
        return mlflow_run

    def _shows_other_completion(self, mlflow_run: Any) -> bool:
        shown = mlflow_run.data.params.get("completion")
        is_complete = self.snapshot.completion is not None
        return bool(shown and is_complete and shown != completion_sha(self.run.folder))

    def _retire(self, mlflow_run: Any) -> None:
        """Delete an MLflow run whose completion record was replaced.

        MLflow changes no param, and so not the record's checksum either.
        """
        run_id = mlflow_run.info.run_id
        self.store.client.set_tag(run_id, DUPLICATE, "its completion record was replaced")
        self.store.client.delete_run(run_id)

    def _search_or_create(self, name: str, tags: Mapping[str, str]) -> Any:
        """Return the MLflow run that is found by its tags, or a new one.

        A server that repeated a request may have created two: of those the first by id is kept,
        the others are tagged as its duplicates.
        """
        mirror = self.mirror_of or self._first_run_id()
        tags = values.tags(self.run) | dict(tags) | ({MIRROR: mirror} if mirror else {})
        experiment_id = self.store.experiment(self.experiment)
        # The start distinguishes the run from one of the same key that another lab delivered.
        start = values.milliseconds(self.snapshot.entries[0].time)
        found = self._search(experiment_id, tags["ablab.take"], start)
        if not found:
            created = self.store.client.create_run(experiment_id, start, tags, name)
            self.store.logged["runs"] += 1
            if self.store.database is not None:
                return created
            found = self._search(experiment_id, tags["ablab.take"], start)
        first, *others = sorted(found, key=lambda each: (_incomplete(each), each.info.run_id))
        if is_deleted(first):
            raise RunDeletedError(self.run, first.info.run_id)
        for other in others:
            if not is_deleted(other):
                self.store.client.set_tag(other.info.run_id, DUPLICATE, first.info.run_id)
                self.store.client.update_run(other.info.run_id, status="KILLED")
        return first

    def _search(self, experiment_id: str, run: str, start: int) -> list[Any]:
        from mlflow.entities import ViewType

        query = f"tags.`ablab.take` = '{run}'"
        found = self.store.client.search_runs([experiment_id], query, run_view_type=ViewType.ALL)
        return [
            mlflow_run
            for mlflow_run in found
            if mlflow_run.info.start_time == start
            and mlflow_run.data.tags.get(DUPLICATE) in (None, "")
        ]

    def _first_run_id(self) -> str | None:
        """Return the id of the run's unmirrored MLflow run in another experiment, if it exists."""
        others = (
            state.run_id
            for experiment, state in self.states.items()
            if experiment != self.experiment and not state.mirror_of
        )
        run_id = next(others, None)
        mlflow_run = get_run(self.store, run_id) if run_id else None
        return None if mlflow_run is None or is_deleted(mlflow_run) else run_id

    def _save(self, state: DeliveryState) -> None:
        self.states[self.experiment] = state
        write_states(self.run, self.store.label, self.states)


def get_run(store: Store, run_id: str) -> Any:
    """Return MLflow's run, deleted or not; None if the store has no such run."""
    from mlflow.exceptions import MlflowException

    try:
        return store.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def is_deleted(mlflow_run: Any) -> bool:
    """Return whether the user deleted an MLflow run."""
    return bool(mlflow_run.info.lifecycle_stage == "deleted")


def _incomplete(mlflow_run: Any) -> int:
    return 2 * is_deleted(mlflow_run) + ("completion" not in mlflow_run.data.params)

"""Delivery, the one way into MLflow: a run's journal and artifacts, replayed into a run.

It goes on from where that run last was and can be repeated at will: points carry the
journal's time stamps, and MLflow keeps an identical point once. What a run was told is
remembered after it was told, so that a kill in between only makes it be told again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from filelock import FileLock

from ablab.tracking import values
from ablab.tracking.files import DamagedError
from ablab.tracking.lab import Look, Run
from ablab.tracking.memory import Memory, Told
from ablab.tracking.mlflow_runs import (
    RunDeletedError,
    find_or_make,
    is_deleted,
    remembered,
    retire,
)
from ablab.tracking.refusals import talking
from ablab.tracking.store import Store
from ablab.tracking.telling import Telling
from ablab.tracking.wording import NAME_LENGTH, TAG_LENGTH, shorten

_MIRROR = "mirror_of"


@dataclass(frozen=True)
class Delivered:
    """How far a delivery came.

    Attributes:
        run_id: the run; None where the run has not begun, and so has none.
        complete: whether all of a finished run is there, its completion record last.
    """

    run_id: str | None
    complete: bool


def deliver(
    run: Run,
    store: Store,
    experiment: str,
    *,
    name: str,
    tags: Mapping[str, str],
    mirror_of: str | None = None,
    restore: bool = False,
) -> Delivered:
    """Bring a run up to what the run's folder holds now.

    Args:
        run: the run; its writer may be at work.
        store: an open store.
        experiment: the experiment's name; a run has one run in each experiment.
        name: the run's name.
        tags: what the run is tagged with beside the facts of the attempt.
        mirror_of: id of the run's own run, where this one mirrors it; by default the run
            that another experiment of the store was given first.
        restore: bring back a run that the user deleted.

    Raises:
        StoreError: the store does not answer, or the run's files are not what its
            completion record lists.
        RunDeletedError: the user deleted the run; the caller may discard the run.
        DamagedError: a record of the run is not as it was written.
    """
    name = shorten(name, NAME_LENGTH)
    tags = {tag: shorten(text, TAG_LENGTH) for tag, text in tags.items()}
    with FileLock(run.folder / "delivery.lock"), talking(store.address):
        look = run.look()
        if not (look.completion or look.is_locked) and (damage := run.damage()):
            raise DamagedError(damage)  # an end that cannot be told is no other end
        if not look.entries:
            return Delivered(None, False)
        memory = Memory(run, store.label)
        sending = _Sending(run, store, experiment, look, memory, mirror_of)
        try:
            mlflow_run = sending.mlflow_run(name, tags)
        except RunDeletedError as error:
            if not restore:
                sending.forget(error.run_id)
                raise
            sending.revive(error.run_id)
            mlflow_run = sending.mlflow_run(name, tags)
        told = memory.mlflow_runs[experiment]
        mirror = {_MIRROR: told.mirror_of} if told.mirror_of else {}
        tags = values.tags(run) | tags | mirror
        Telling(store, run, mlflow_run, told, memory, look).tell(name, tags)
        return Delivered(told.run_id, look.completion is not None)


@dataclass(frozen=True)
class _Sending:
    """A delivery that looks for its run."""

    run: Run
    store: Store
    experiment: str
    look: Look
    memory: Memory
    mirror_of: str | None

    def mlflow_run(self, name: str, tags: Mapping[str, str]) -> Any:
        """Return the run that shows the run, remembered, found or made.

        Raises:
            RunDeletedError: the user deleted it.
        """
        told = self.memory.mlflow_runs.get(self.experiment)
        mlflow_run = _mlflow_run(self.store, self.run, told, self.experiment)
        while mlflow_run is None or told is None or self._shows_another_end(mlflow_run):
            if mlflow_run is not None and told is not None:
                retire(self.store, mlflow_run)
            mlflow_run = self._find_or_make(name, tags)
            told = Told(mlflow_run.info.run_id, mirror_of=mlflow_run.data.tags.get(_MIRROR))
            self._keep(told)
        if told.deleted:  # restored in MLflow
            self._keep(replace(told, deleted=False))
        return mlflow_run

    def forget(self, run_id: str) -> None:
        """Remember that the user deleted the run."""
        told = self.memory.mlflow_runs.get(self.experiment) or Told(run_id)
        if not told.deleted:
            self._keep(replace(told, deleted=True))

    def revive(self, run_id: str) -> None:
        """Bring back a run that the user deleted; one that the store lost is made anew."""
        self.memory.mlflow_runs.pop(self.experiment, None)
        mlflow_run = remembered(self.store, run_id)
        if mlflow_run is not None and is_deleted(mlflow_run):
            self.store.client.restore_run(run_id)

    def _keep(self, told: Told) -> None:
        self.memory.mlflow_runs[self.experiment] = told
        self.memory.keep()

    def _find_or_make(self, name: str, tags: Mapping[str, str]) -> Any:
        mirror = self.mirror_of or _own_mlflow_run(self.store, self.memory, self.experiment)
        tags = values.tags(self.run) | dict(tags) | ({_MIRROR: mirror} if mirror else {})
        begun = self.look.entries[0].time
        return find_or_make(
            self.store, self.experiment, self.run, begun=begun, name=name, tags=tags
        )

    def _shows_another_end(self, mlflow_run: Any) -> bool:
        shown = mlflow_run.data.params.get("completion")
        ended = self.look.completion is not None
        return bool(shown and ended and shown != values.completion_sha(self.run.folder))


def _mlflow_run(store: Store, run: Run, told: Told | None, experiment: str) -> Any:
    """Return the remembered run, None where there is none or the store never heard of it.

    Raises:
        RunDeletedError: the user deleted it.
    """
    mlflow_run = remembered(store, told.run_id) if told else None
    if told and mlflow_run and is_deleted(mlflow_run):
        store.experiment(experiment)  # if all of it was deleted, this brings it back
        mlflow_run = remembered(store, told.run_id)
        if is_deleted(mlflow_run):
            raise RunDeletedError(run, told.run_id)
    if told and told.deleted and mlflow_run is None:
        raise RunDeletedError(run, told.run_id)
    return mlflow_run


def _own_mlflow_run(store: Store, memory: Memory, experiment: str) -> str | None:
    """Return the run's own run in another experiment, if the store still has it."""
    run_id = memory.own_mlflow_run(experiment)
    mlflow_run = remembered(store, run_id) if run_id else None
    return None if mlflow_run is None or is_deleted(mlflow_run) else run_id

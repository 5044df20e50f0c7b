"""Delivery, the one way into MLflow: a take's journal and artifacts, replayed into a run.

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
from ablab.tracking.lab import Look, Take
from ablab.tracking.memory import Memory, Told
from ablab.tracking.refusals import talking
from ablab.tracking.runs import (
    RunDeletedError,
    find_or_make,
    is_deleted,
    remembered,
    retire,
)
from ablab.tracking.store import Store
from ablab.tracking.telling import Telling
from ablab.tracking.wording import NAME_LENGTH, TAG_LENGTH, shorten

_MIRROR = "mirror_of"


@dataclass(frozen=True)
class Delivered:
    """How far a delivery came.

    Attributes:
        run_id: the run; None where the take has not begun, and so has none.
        complete: whether all of a finished take is there, its completion record last.
    """

    run_id: str | None
    complete: bool


def deliver(
    take: Take,
    store: Store,
    experiment: str,
    *,
    name: str,
    tags: Mapping[str, str],
    mirror_of: str | None = None,
    restore: bool = False,
) -> Delivered:
    """Bring a run up to what the take's folder holds now.

    Args:
        take: the take; its writer may be at work.
        store: an open store.
        experiment: the experiment's name; a take has one run in each experiment.
        name: the run's name.
        tags: what the run is tagged with beside the facts of the attempt.
        mirror_of: id of the take's own run, where this one mirrors it; by default the run
            that another experiment of the store was given first.
        restore: bring back a run that the user deleted.

    Raises:
        StoreError: the store does not answer, or the take's files are not what its
            completion record lists.
        RunDeletedError: the user deleted the run; the caller may discard the take.
        DamagedError: a record of the take is not as it was written.
    """
    name = shorten(name, NAME_LENGTH)
    tags = {tag: shorten(text, TAG_LENGTH) for tag, text in tags.items()}
    with FileLock(take.folder / "delivery.lock"), talking(store.address):
        look = take.look()
        if not (look.completion or look.is_locked) and (damage := take.damage()):
            raise DamagedError(damage)  # an end that cannot be told is no other end
        if not look.entries:
            return Delivered(None, False)
        memory = Memory(take, store.label)
        sending = _Sending(take, store, experiment, look, memory, mirror_of)
        try:
            run = sending.run(name, tags)
        except RunDeletedError as error:
            if not restore:
                sending.forget(error.run_id)
                raise
            sending.revive(error.run_id)
            run = sending.run(name, tags)
        told = memory.runs[experiment]
        mirror = {_MIRROR: told.mirror_of} if told.mirror_of else {}
        facts = values.tags(take) | tags | mirror
        Telling(store, take, run, told, memory, look).tell(name, facts)
        return Delivered(told.run_id, look.completion is not None)


@dataclass(frozen=True)
class _Sending:
    """A delivery that looks for its run."""

    take: Take
    store: Store
    experiment: str
    look: Look
    memory: Memory
    mirror_of: str | None

    def run(self, name: str, tags: Mapping[str, str]) -> Any:
        """Return the run that shows the take, remembered, found or made.

        Raises:
            RunDeletedError: the user deleted it.
        """
        told = self.memory.runs.get(self.experiment)
        run = _run(self.store, self.take, told, self.experiment)
        while run is None or told is None or self._shows_another_end(run):
            if run is not None and told is not None:
                retire(self.store, run)
            run = self._find_or_make(name, tags)
            told = Told(run.info.run_id, mirror_of=run.data.tags.get(_MIRROR))
            self._keep(told)
        if told.deleted:  # restored in MLflow
            self._keep(replace(told, deleted=False))
        return run

    def forget(self, run_id: str) -> None:
        """Remember that the user deleted the run."""
        told = self.memory.runs.get(self.experiment) or Told(run_id)
        if not told.deleted:
            self._keep(replace(told, deleted=True))

    def revive(self, run_id: str) -> None:
        """Bring back a run that the user deleted; one that the store lost is made anew."""
        self.memory.runs.pop(self.experiment, None)
        run = remembered(self.store, run_id)
        if run is not None and is_deleted(run):
            self.store.client.restore_run(run_id)

    def _keep(self, told: Told) -> None:
        self.memory.runs[self.experiment] = told
        self.memory.keep()

    def _find_or_make(self, name: str, tags: Mapping[str, str]) -> Any:
        mirror = self.mirror_of or _own_run(self.store, self.memory, self.experiment)
        facts = values.tags(self.take) | dict(tags) | ({_MIRROR: mirror} if mirror else {})
        begun = self.look.entries[0].time
        return find_or_make(
            self.store, self.experiment, self.take, begun=begun, name=name, tags=facts
        )

    def _shows_another_end(self, run: Any) -> bool:
        shown = run.data.params.get("completion")
        ended = self.look.completion is not None
        return bool(shown and ended and shown != values.completion_sha(self.take.folder))


def _run(store: Store, take: Take, told: Told | None, experiment: str) -> Any:
    """Return the remembered run, None where there is none or the store never heard of it.

    Raises:
        RunDeletedError: the user deleted it.
    """
    run = remembered(store, told.run_id) if told else None
    if told and run and is_deleted(run):
        store.experiment(experiment)  # if all of it was deleted, this brings it back
        run = remembered(store, told.run_id)
        if is_deleted(run):
            raise RunDeletedError(take, told.run_id)
    if told and told.deleted and run is None:
        raise RunDeletedError(take, told.run_id)
    return run


def _own_run(store: Store, memory: Memory, experiment: str) -> str | None:
    """Return the take's own run in another experiment, if the store still has it."""
    run_id = memory.own_run(experiment)
    run = remembered(store, run_id) if run_id else None
    return None if run is None or is_deleted(run) else run_id

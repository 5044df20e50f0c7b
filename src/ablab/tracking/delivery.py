"""Delivery, the one way into MLflow: a take's journal and artifacts, replayed into a run.

It goes on from where that run last was and can be repeated at will: points carry the
journal's time stamps, and MLflow keeps an identical point once. What a run was told is
remembered after it was told, so that a kill in between only makes it be told again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from filelock import FileLock

from ablab.tracking import values
from ablab.tracking.lab import Take
from ablab.tracking.runs import (
    Memory,
    RunDeletedError,
    Told,
    find_or_make,
    is_deleted,
    remembered,
)
from ablab.tracking.store import Store, talking
from ablab.tracking.telling import Telling

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

    Raises:
        StoreError: the store does not answer, or the take's files are not what its
            completion record lists.
        RunDeletedError: the user deleted the run; the caller may discard the take.
        JournalError: the journal is damaged.
    """
    with FileLock(take.folder / "delivery.lock"), talking(store.uri):
        completion, entries = take.completion, take.entries()
        if not entries:
            return Delivered(None, False)
        memory, facts = Memory(take, store), values.tags(take) | dict(tags)
        told = memory.runs.get(experiment)
        run = _run(store, take, told, experiment)
        if told is None or run is None:
            mirror = mirror_of or _own_run(store, memory, experiment)
            first = facts | ({_MIRROR: mirror} if mirror else {})
            begun = entries[0].time
            run = find_or_make(store, experiment, take, begun=begun, name=name, tags=first)
            told = Told(run.info.run_id, mirror_of=run.data.tags.get(_MIRROR))
            memory.runs[experiment] = told
            memory.keep()
        facts |= {_MIRROR: told.mirror_of} if told.mirror_of else {}
        Telling(store, take, run, told, memory, entries, completion).tell(name, facts)
        return Delivered(told.run_id, completion is not None)


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
    return run


def _own_run(store: Store, memory: Memory, experiment: str) -> str | None:
    """Return the take's own run in another experiment, if the store still has it."""
    run_id = memory.own_run(experiment)
    run = remembered(store, run_id) if run_id else None
    return None if run is None or is_deleted(run) else run_id

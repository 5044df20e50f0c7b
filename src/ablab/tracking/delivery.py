"""Delivery, the one way into MLflow: a take's journal and artifacts, replayed into a run.

It goes on from where that run last was and can be repeated at will: points carry the
journal's time stamps, and MLflow keeps an identical point once. What a run was told is
remembered after it was told, so that a kill in between only makes it be told again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from filelock import FileLock

from ablab.tracking import values
from ablab.tracking.artifacts import BEGUN, ENDED, place, place_finished
from ablab.tracking.completion import Completion
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Take
from ablab.tracking.runs import Memory, RunDeletedError, Told, find_or_make, is_deleted, remembered
from ablab.tracking.store import Store, talking

_STATUS = {
    "finished": "FINISHED",
    "diverged": "FINISHED",
    "running": "RUNNING",
    "failed": "FAILED",
    "stopped": "KILLED",
}
_REASON = "ablab.reason"
_MIRROR = "mirror_of"
_T = TypeVar("_T")


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
        run = remembered(store, told.run_id) if told else None
        if told is None or run is None:
            mirror = mirror_of or _own_run(store, memory, experiment)
            first = facts | ({_MIRROR: mirror} if mirror else {})
            run = find_or_make(
                store, experiment, take, begun=entries[0].time, name=name, tags=first
            )
            told = memory.runs[experiment] = Told(run.info.run_id, mirror_of=mirror)
            memory.keep()
        if is_deleted(run):
            raise RunDeletedError(take, told.run_id)
        facts |= {_MIRROR: told.mirror_of} if told.mirror_of else {}
        _Telling(store, take, run, told, memory, entries, completion).tell(name, facts)
        return Delivered(told.run_id, bool(told.completion))


def _own_run(store: Store, memory: Memory, experiment: str) -> str | None:
    """Return the take's own run in another experiment, if the store still has it."""
    run_id = memory.own_run(experiment)
    run = remembered(store, run_id) if run_id else None
    return None if run is None or is_deleted(run) else run_id


@dataclass(frozen=True)
class _Telling:
    """One delivery under way: what there is, and what the run was told of it."""

    store: Store
    take: Take
    run: Any
    told: Told
    memory: Memory
    entries: Sequence[Entry]
    completion: Completion | None

    def tell(self, name: str, facts: Mapping[str, str]) -> None:
        outcome, reason = values.fate(self.take, self.entries, self.completion)
        self._facts(name, facts, outcome, reason)
        self._params()
        self._curve()
        if self.completion is None:
            self._files(outcome)
        else:
            self._end(self.completion, name)

    def _facts(self, name: str, facts: Mapping[str, str], outcome: str, reason: str | None) -> None:
        from mlflow.entities import RunTag

        status, end = _STATUS[outcome], (self.completion or self.entries[-1]).time
        now = {**facts, "ablab.outcome": outcome} | ({_REASON: reason} if reason else {})
        digest = _digest([name, now, status, end])
        if self.told.facts == digest and self.run.info.status == status:
            return
        cut = [RunTag(n, values.shorten(v, values.TAG_LENGTH)) for n, v in now.items()]
        for some in _batches(cut, 100):
            self._client.log_batch(self._id, tags=some)
        if reason is None and _REASON in self.run.data.tags:
            self._client.delete_tag(self._id, _REASON)
        if status != "RUNNING":
            self._client.set_terminated(self._id, status, values.milliseconds(end))
        self._client.update_run(self._id, status=status, name=name)
        self._remember("facts", digest)

    def _params(self) -> None:
        from mlflow.entities import Param

        if not self.told.params:
            params = [Param(n, v) for n, v in values.params(self.take.trial).items()]
            for some in _batches(params, 100):
                self._client.log_batch(self._id, params=some)
            self._remember("params", True)

    def _curve(self) -> None:
        known = self.told.entries if self.told.entries <= len(self.entries) else 0
        if known < len(self.entries):
            self._points(values.curve(self.entries, known))
            self._remember("entries", len(self.entries))

    def _points(self, points: Sequence[values.Point]) -> None:
        from mlflow.entities import Metric

        for some in _batches([Metric(n, v, time, step) for n, v, time, step in points], 1000):
            self._client.log_batch(self._id, metrics=some)

    def _files(self, outcome: str) -> None:
        running = outcome == "running"
        state = outcome if running else f"{outcome} at line {len(self.entries)}"
        if self.told.files != state:
            place(self.store, self.run, self.take.folder, BEGUN if running else ENDED)
            self._remember("files", state)

    def _end(self, completion: Completion, name: str) -> None:
        sha = values.completion_sha(self.take.folder)
        if self.told.completion != sha:
            self._points(values.final(self.entries, completion))
            place_finished(self.store, self.run, self.take, completion, name)
            self._client.log_param(self._id, "completion", sha)
            self._remember("completion", sha)

    def _remember(self, what: str, value: Any) -> None:
        setattr(self.told, what, value)
        self.memory.keep()

    @property
    def _client(self) -> Any:
        return self.store.client

    @property
    def _id(self) -> str:
        return self.told.run_id


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

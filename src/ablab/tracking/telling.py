"""What a run is told of its run, piece by piece, each remembered once it is told."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ablab.tracking import values
from ablab.tracking.artifacts import (
    BEGUN,
    ENDED,
    finished_names,
    has_pictures,
    is_whole,
    place,
    place_finished,
)
from ablab.tracking.completion import Completion
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Look, Run
from ablab.tracking.memory import Memory, Told
from ablab.tracking.store import Store
from ablab.tracking.wording import TAG_LENGTH, shorten

_STATUS = {
    "finished": "FINISHED",
    "diverged": "FINISHED",
    "running": "RUNNING",
    "failed": "FAILED",
    "stopped": "KILLED",
}
_REASON = "ablab.reason"
_INFINITE = "ablab.infinite"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Telling:
    """One delivery under way: what there is, and what the run was told of it."""

    store: Store
    run: Run
    mlflow_run: Any
    told: Told
    memory: Memory
    look: Look

    def tell(self, name: str, tags: Mapping[str, str]) -> None:
        """Tell the run what it has not been told: facts first, the completion record last.

        Args:
            name: the run's name.
            tags: its tags.
        """
        infinite = values.infinite(self.look)
        outcome, reason = values.outcome(self.look)
        self._facts(name, {**tags, _INFINITE: infinite} if infinite else tags, outcome, reason)
        self._params()
        self._curve()
        if self.look.completion is None:
            self._files(outcome)
        else:
            self._end(self.look.completion, name)

    def _facts(self, name: str, tags: Mapping[str, str], outcome: str, reason: str | None) -> None:
        from mlflow.entities import RunTag

        status, end = _STATUS[outcome], (self.look.completion or self.entries[-1]).time
        now = {**tags, "ablab.outcome": outcome} | ({_REASON: reason} if reason else {})
        digest = _digest([name, now, status, end])
        if self.told.facts == digest and self.mlflow_run.info.status == status:
            return
        cut = [RunTag(n, shorten(v, TAG_LENGTH)) for n, v in now.items()]
        for some in _batches(cut, 100):
            self._client.log_batch(self._id, tags=some)
        if reason is None and _REASON in self.mlflow_run.data.tags:
            self._client.delete_tag(self._id, _REASON)
        if status != "RUNNING":
            self._client.set_terminated(self._id, status, values.milliseconds(end))
        self._client.update_run(self._id, status=status, name=name)
        self._remember("facts", digest)

    def _params(self) -> None:
        from mlflow.entities import Param

        if not self.told.params:
            params = [Param(n, v) for n, v in values.params(self.run.trial).items()]
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
        names = BEGUN if running else ENDED
        if self.told.files != state or not is_whole(
            self.store, self.mlflow_run, self.run.folder, names
        ):
            place(self.store, self.mlflow_run, self.run.folder, names)
            self._remember("files", state)

    def _end(self, completion: Completion, name: str) -> None:
        sha = values.completion_sha(self.run.folder)
        if self.told.completion == sha:
            if not self._is_shown(completion):
                place_finished(self.store, self.mlflow_run, self.run, completion, name)
        else:
            self._points(values.final(self.entries, completion))
            place_finished(self.store, self.mlflow_run, self.run, completion, name)
            self._client.log_param(self._id, "completion", sha)
            self._remember("completion", sha)

    def _is_shown(self, completion: Completion) -> bool:
        """Tell whether the run still has all files of its finished run."""
        names = finished_names(completion)
        whole = is_whole(self.store, self.mlflow_run, self.run.folder, names)
        return whole and has_pictures(self.store, self.mlflow_run)

    def _remember(self, what: str, value: Any) -> None:
        setattr(self.told, what, value)
        self.memory.keep()

    @property
    def entries(self) -> Sequence[Entry]:
        """The journal's."""
        return self.look.entries

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

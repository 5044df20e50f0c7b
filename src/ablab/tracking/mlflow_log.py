"""Logs a run to MLflow in steps; each step is recorded once it succeeded."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

from ablab.tracking import values
from ablab.tracking.artifacts import (
    ENDED,
    STARTED,
    finished_names,
    has_artifacts,
    has_pictures,
    log_artifacts,
    log_finished_artifacts,
)
from ablab.tracking.completion import Completion, completion_sha
from ablab.tracking.delivery_state import DeliveryState, write_states
from ablab.tracking.mlflow_links import link_model, log_dataset
from ablab.tracking.mlflow_names import TAG_LENGTH, shorten
from ablab.tracking.run import Run, Snapshot
from ablab.tracking.store import Store
from ablab.tracking.system_metrics import system_points

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
class MlflowLog:
    """Logs to one MLflow run what it lacks of a run.

    Attributes:
        store: the open store.
        run: the run.
        experiment: name of the experiment.
        mlflow_run: MLflow's run.
        snapshot: the run's records.
        states: the run's delivery states by experiment; updated in place.
    """

    store: Store
    run: Run
    experiment: str
    mlflow_run: Any
    snapshot: Snapshot
    states: dict[str, DeliveryState]

    def log(self, name: str, tags: Mapping[str, str]) -> None:
        """Log what is missing: tags first, the completion record last.

        Args:
            name: name of the MLflow run.
            tags: its tags.
        """
        infinite = values.infinite_metrics(self.snapshot)
        outcome, reason = values.outcome(self.snapshot)
        tags = {**tags, "ablab.outcome": outcome}
        tags |= ({_INFINITE: infinite} if infinite else {}) | ({_REASON: reason} if reason else {})
        self._log_tags(name, tags, _STATUS[outcome])
        self._log_params()
        self._log_epochs()
        self._log_system()
        if self.snapshot.completion is None:
            self._log_files(outcome)
        else:
            self._log_completion(self.snapshot.completion, name)

    def _log_tags(self, name: str, tags: Mapping[str, str], status: str) -> None:
        from mlflow.entities import RunTag

        end = (self.snapshot.completion or self.snapshot.entries[-1]).time
        # Of a running one the last entry is no end: tags would be logged again with each epoch.
        text = json.dumps([name, tags, status, status != "RUNNING" and end], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._state.facts == digest and self.mlflow_run.info.status == status:
            return
        shortened = [RunTag(n, shorten(value, TAG_LENGTH)) for n, value in tags.items()]
        for batch in _batches(shortened, 100):
            self._client.log_batch(self._id, tags=batch)
        if _REASON not in tags and _REASON in self.mlflow_run.data.tags:
            self._client.delete_tag(self._id, _REASON)
        if status != "RUNNING":
            self._client.set_terminated(self._id, status, values.milliseconds(end))
        self._client.update_run(self._id, status=status, name=name)
        self._save(facts=digest)

    def _log_params(self) -> None:
        from mlflow.entities import Param

        if not self._state.params:
            params = [Param(n, value) for n, value in values.params(self.run.trial).items()]
            for batch in _batches(params, 100):
                self._client.log_batch(self._id, params=batch)
            log_dataset(self.store, self._id, self.run.trial)
            self._save(params=True)

    def _log_epochs(self) -> None:
        entries, logged = self.snapshot.entries, self._state.entries
        start = logged if logged <= len(entries) else 0
        if start < len(entries):
            self._log_points(values.epoch_points(entries, start))
            self._save(entries=len(entries))

    def _log_system(self) -> None:
        points, samples = system_points(self.run.folder, self._state.samples)
        if points:
            self._log_points(points)
        if samples > self._state.samples:
            self._save(samples=samples)

    def _log_points(
        self,
        points: Sequence[values.Point],
        links: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(n, v, time, step, **links.get(n, {})) for n, v, time, step in points]
        for batch in _batches(metrics, 1000):
            self._client.log_batch(self._id, metrics=batch)
            self.store.logged["values"] += len(batch)

    def _log_files(self, outcome: str) -> None:
        running = outcome == "running"
        state = outcome if running else f"{outcome} at line {len(self.snapshot.entries)}"
        files = self.store, self.mlflow_run, self.run.folder, STARTED if running else ENDED
        # While it runs, deliveries are frequent: only the last one looks for deleted files.
        if self._state.files != state or not (running or has_artifacts(*files)):
            log_artifacts(*files)
            self._save(files=state)

    def _log_completion(self, completion: Completion, name: str) -> None:
        sha = completion_sha(self.run.folder)
        artifacts = self.store, self.mlflow_run, self.run, completion, name
        if self._state.completion != sha:
            links = link_model(self.store, self._id, name, self.run.trial, completion)
            self._log_points(values.final_points(self.snapshot.entries, completion), links)
            log_finished_artifacts(*artifacts)
            self._client.log_param(self._id, "completion", sha)
            self._save(completion=sha)
        elif not self._has_all_artifacts(completion):
            log_finished_artifacts(*artifacts)

    def _has_all_artifacts(self, completion: Completion) -> bool:
        """Return whether the MLflow run still has all files and pictures of a finished run."""
        names = finished_names(completion)
        has_files = has_artifacts(self.store, self.mlflow_run, self.run.folder, names)
        return has_files and has_pictures(self.store, self.mlflow_run)

    def _save(self, **changes: Any) -> None:
        self.states[self.experiment] = replace(self._state, **changes)
        write_states(self.run, self.store.label, self.states)

    @property
    def _state(self) -> DeliveryState:
        return self.states[self.experiment]

    @property
    def _client(self) -> Any:
        return self.store.client

    @property
    def _id(self) -> str:
        return self._state.run_id


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]

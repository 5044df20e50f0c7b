"""Copies what one MLflow store has and another lacks, run by run, through MLflow's client.

It comes after delivery: the runs that the lab has on disk are already in the target, made from
their journals, and only what somebody added to them in MLflow is copied. A copy has the id of its
original as tag, so a repeated or interrupted copy continues, and a copy back makes no second run.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ablab.errors import StoreError
from ablab.tracking.address import local_folder
from ablab.tracking.artifacts import artifact_sizes, log_artifacts
from ablab.tracking.delivery_state import DUPLICATE
from ablab.tracking.files import temporary_folder
from ablab.tracking.mlflow_runs import MIRROR
from ablab.tracking.store import Store
from ablab.tracking.store_errors import StoreUnavailableError, translate_errors

COPY_OF = "ablab.copy_of"
_POINTERS = (MIRROR, "mlflow.parentRunId")
_PAGE, _BATCH = 1000, 1000
_ENDED = ("FINISHED", "FAILED", "KILLED")

_Identity = tuple[str, ...]


@dataclass
class RunCopier:
    """Copies MLflow runs from one store to another.

    Attributes:
        source: the store that is read.
        target: the store that is filled; its ``logged`` counts what was written.
        seen: counts of the source's runs: ``there`` are in the target now, ``deleted`` were
            deleted there by a user, ``foreign`` are other programs' and were left out,
            ``models`` have logged models, which are not copied.
        failed: reason by MLflow run of what was not copied.
    """

    source: Store
    target: Store
    seen: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)  # of copies, by id of the original

    def copy(self) -> None:
        """Copy every experiment; one that has nothing to copy is not created.

        Raises:
            StoreError: a store does not answer.
        """
        with translate_errors(self.source.address):
            experiments = list(_pages(self.source.client.search_experiments))
            found = [(each, self._wanted(each)) for each in experiments]
        pairs = [pair for each, runs in found if runs for pair in self._pairs(each, runs)]
        # An original comes before its mirrors and its children, which point to it.
        pairs.sort(key=lambda pair: (_points_elsewhere(pair[1]), pair[1].info.start_time))
        for experiment, run, copy in pairs:
            if copy is not None and copy.info.lifecycle_stage == "deleted":
                self.seen["deleted"] += 1
                continue
            try:
                self._copy_run(experiment, run, copy)
            except StoreUnavailableError:
                raise
            except StoreError as error:
                self.failed[f"MLflow run {run.info.run_id}"] = str(error)
            else:
                self.seen["there"] += 1

    def _wanted(self, experiment: Any) -> list[Any]:
        """Return the runs of an experiment of the source that are to be in the target.

        The lab's own store is copied whole; from a shared one, runs of other programs are not.
        """
        runs = list(_pages(self.source.client.search_runs, [experiment.experiment_id]))
        runs = [run for run in runs if not run.data.tags.get(DUPLICATE)]
        own = [run for run in runs if self.source.address.is_own or "ablab.kind" in run.data.tags]
        self.seen["foreign"] += len(runs) - len(own)
        return own

    def _pairs(self, original: Any, runs: list[Any]) -> Iterator[tuple[str, Any, Any]]:
        """Yield the id of the target's experiment, a run of the source, and its copy or None."""
        from mlflow.entities import ViewType

        experiment = self.target.experiment(original.name)
        with translate_errors(self.target.address):
            self._copy_experiment_tags(original, experiment)
            search = self.target.client.search_runs
            found = list(_pages(search, [experiment], run_view_type=ViewType.ALL))
        found.sort(key=lambda run: run.info.lifecycle_stage != "deleted")  # an active one counts
        there = {_identity(run): run for run in found if not run.data.tags.get(DUPLICATE)}
        for run in runs:
            copy = there.get(_identity(run))
            if copy is not None:
                self._ids[run.info.run_id] = copy.info.run_id
            yield experiment, run, copy

    def _copy_experiment_tags(self, original: Any, experiment: str) -> None:
        known = self.target.client.get_experiment(experiment).tags
        for name, value in original.tags.items():
            if name not in known:
                self.target.client.set_experiment_tag(experiment, name, value)

    def _copy_run(self, experiment: str, run: Any, copy: Any) -> None:
        is_new = copy is None
        if is_new:
            copy = self._create(experiment, run)
        is_copy = COPY_OF in copy.data.tags
        if is_copy and run.outputs is not None and run.outputs.model_outputs:
            self.seen["models"] += 1
        with translate_errors(self.target.address):
            self._copy_values(run, copy, is_copy=is_copy)
            self._copy_data_sets(run, copy)
        self._copy_artifacts(run, copy, is_copy=is_copy)
        if is_copy:
            with translate_errors(self.target.address):
                self._end(run, copy)

    def _create(self, experiment: str, run: Any) -> Any:
        tags = {**self._tags(run), COPY_OF: _origin(run)}
        with translate_errors(self.target.address):
            copy = self.target.client.create_run(
                experiment, run.info.start_time, tags, run.info.run_name
            )
        self.target.logged["runs"] += 1
        self._ids[run.info.run_id] = copy.info.run_id
        return copy

    def _tags(self, run: Any) -> dict[str, str]:
        """Return a run's tags; those that name another run name its copy."""
        tags = dict(run.data.tags)
        for name in _POINTERS:
            if name in tags:
                tags[name] = self._ids.get(tags[name], tags[name])
        return tags

    def _copy_values(self, run: Any, copy: Any, *, is_copy: bool) -> None:
        """Copy tags, params and metrics.

        Of a run that was delivered from its journal, only what users added in MLflow.
        """
        from mlflow.entities import Param, RunTag

        known = copy.data.tags
        tags = [
            RunTag(name, value)
            for name, value in self._tags(run).items()
            if (known.get(name) != value if is_copy else name not in known and not _is_ours(name))
        ]
        params = [
            Param(name, value)
            for name, value in run.data.params.items()
            if name not in copy.data.params and (is_copy or name != "completion")
        ]
        for start in range(0, max(len(tags), len(params)), 100):
            batch = slice(start, start + 100)
            self.target.client.log_batch(copy.info.run_id, params=params[batch], tags=tags[batch])
        there = _last_points(copy)
        for name, point in _last_points(run).items():
            if there.get(name) != point:
                self._copy_metric(name, run, copy, is_new=name not in there)

    def _copy_metric(self, name: str, run: Any, copy: Any, *, is_new: bool) -> None:
        with translate_errors(self.source.address):
            points = self.source.client.get_metric_history(run.info.run_id, name)
        target = self.target.client
        there = set()
        if not is_new:
            there = {_point(p) for p in target.get_metric_history(copy.info.run_id, name)}
        lacking = [p for p in points if _point(p) not in there]
        lacking.sort(key=lambda point: (point.step, point.timestamp))  # the last point comes last
        for start in range(0, len(lacking), _BATCH):
            batch = lacking[start : start + _BATCH]
            target.log_batch(copy.info.run_id, metrics=batch)
            self.target.logged["values"] += len(batch)

    def _copy_data_sets(self, run: Any, copy: Any) -> None:
        inputs = [] if run.inputs is None else run.inputs.dataset_inputs
        known = [] if copy.inputs is None else copy.inputs.dataset_inputs
        digests = {(each.dataset.name, each.dataset.digest) for each in known}
        lacking = [i for i in inputs if (i.dataset.name, i.dataset.digest) not in digests]
        if lacking:
            self.target.client.log_inputs(copy.info.run_id, datasets=lacking)

    def _copy_artifacts(self, run: Any, copy: Any, *, is_copy: bool) -> None:
        with translate_errors(self.source.address):
            found = artifact_sizes(self.source, run)
        if not found:
            return
        with translate_errors(self.target.address):
            there = artifact_sizes(self.target, copy)
        lacking = [
            name
            for name, size in found.items()
            if name not in there or (is_copy and there[name] != size)
        ]
        for name in lacking:
            self._copy_artifact(run, copy, name)

    def _copy_artifact(self, run: Any, copy: Any, name: str) -> None:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise StoreError(f"artifacts must be inside of their run, got {name!r}")
        folder = local_folder(run.info.artifact_uri)
        with temporary_folder() as temporary:
            if folder is None:
                with translate_errors(self.source.address):
                    client = self.source.client
                    file = Path(client.download_artifacts(run.info.run_id, name, str(temporary)))
            else:
                file = folder / name
            if not file.is_file():
                raise StoreError(f"artifact {name} of run {run.info.run_id} must be readable")
            with translate_errors(self.target.address):
                sub = "" if path.parent == PurePosixPath() else str(path.parent)
                log_artifacts(self.target, copy, file.parent, [path.name], sub)

    def _end(self, run: Any, copy: Any) -> None:
        """Give a copy the status, name and end of its original, as the last step."""
        info, known = run.info, copy.info
        if (info.status, info.end_time, info.run_name) == (
            known.status,
            known.end_time,
            known.run_name,
        ):
            return
        if info.status in _ENDED:
            self.target.client.set_terminated(known.run_id, info.status, info.end_time)
        self.target.client.update_run(known.run_id, status=info.status, name=info.run_name)


def _identity(run: Any) -> _Identity:
    """Return what a run and its copy share within an experiment."""
    tags = run.data.tags
    if tags.get("ablab.kind") == "sweep":
        return ("sweep",)
    if "ablab.take" in tags:
        return ("trial", tags["ablab.take"], str(run.info.start_time))
    return ("run", _origin(run))


def _points_elsewhere(run: Any) -> bool:
    return any(name in run.data.tags for name in _POINTERS)


def _is_ours(tag: str) -> bool:
    return tag.startswith("ablab.") or tag in _POINTERS


def _origin(run: Any) -> str:
    return str(run.data.tags.get(COPY_OF, run.info.run_id))


def _last_points(run: Any) -> dict[str, str]:
    """Return the last point of each metric, by name."""
    return {point.key: _point(point) for point in run.data._metric_objs}


def _point(point: Any) -> str:
    return repr((point.step, point.timestamp, float(point.value)))  # text: NaN equals NaN


def _pages(search: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(*arguments, max_results=_PAGE, page_token=token, **options)
        yield from page
        token = page.token
        if not token:
            return

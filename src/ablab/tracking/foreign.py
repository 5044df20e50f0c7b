"""Runs in MLflow that ablab did not launch, read and never written to."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ablab.errors import InputError, StoreError
from ablab.folders import lab_folder
from ablab.tracking.address import locate
from ablab.tracking.database import check
from ablab.tracking.refusals import talking
from ablab.tracking.store import preload

_PAGE = 1000
_INFINITE = 1.79e308  # MLflow stores infinity as the largest float


@dataclass(frozen=True)
class ForeignRun:
    """A run as MLflow has it.

    Attributes:
        status: MLflow's: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.
        start, end: seconds since 1970; NaN for the end of one that goes on.
        metrics: the last value of each; what was infinite is so again.
    """

    run_id: str
    name: str
    status: str
    start: float
    end: float
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]

    def field(self, name: str) -> str | None:
        """Return a tag or a param, named ``tags.model`` or ``params.seed``; None without one."""
        group, _, key = name.partition(".")
        return {"tags": self.tags, "params": self.params}[group].get(key)


class ForeignStore:
    """A store that is only read: a server's, or a SQLite file that is there.

    Args:
        uri: MLflow's tracking URI; ``MLFLOW_TRACKING_URI`` by default, else the lab's own store.

    Raises:
        StoreError: there is no such file, or the store does not answer.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.address = locate(lab_folder(), uri)
        database = self.address.database
        if database is not None and not database.is_file():  # opening it would make one
            raise StoreError(f"MLFLOW_TRACKING_URI must name a store that is there, got {database}")
        preload()
        from mlflow import MlflowClient

        with talking(self.address):
            if database is not None:
                check(database, to_write=False)
            self._client: Any = MlflowClient(self.address.uri)

    def runs(self, experiment: str) -> list[ForeignRun]:
        """Return an experiment's runs that were not deleted, oldest first.

        Raises:
            InputError: there is no such experiment; names those there are.
            StoreError: the store does not answer.
        """
        with talking(self.address):
            found = self._client.get_experiment_by_name(experiment)
            if found is None or found.lifecycle_stage != "active":
                known = ", ".join(sorted(e.name for e in self._client.search_experiments()))
                raise InputError(f"experiment must be one of {known}; got {experiment}")
            runs = list(self._pages(found.experiment_id))
        return sorted((_mlflow_run(run) for run in runs), key=lambda run: (run.start, run.run_id))

    def curve(self, run_id: str, metric: str) -> tuple[float, ...]:
        """Return a metric's history, the last value of each step, in the order of steps."""
        with talking(self.address):
            points = self._client.get_metric_history(run_id, metric)
        points = sorted(points, key=lambda point: (point.step, point.timestamp))
        return tuple({point.step: _value(point.value) for point in points}.values())

    def _pages(self, experiment: str) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([experiment], max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return


def _mlflow_run(run: Any) -> ForeignRun:
    return ForeignRun(
        run.info.run_id,
        run.info.run_name or run.info.run_id,
        run.info.status,
        run.info.start_time / 1000,
        math.nan if run.info.end_time is None else run.info.end_time / 1000,
        dict(run.data.tags),
        dict(run.data.params),
        {name: _value(value) for name, value in run.data.metrics.items()},
    )


def _value(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) > _INFINITE else value

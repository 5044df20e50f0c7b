"""MLflow runs that other programs made; only read."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ablab.errors import InputError, StoreError
from ablab.folders import lab_folder
from ablab.tracking.address import locate
from ablab.tracking.database import check
from ablab.tracking.store import preload
from ablab.tracking.store_errors import translate_errors

_PAGE = 1000
_INFINITE = 1.79e308  # MLflow stores infinity as the largest float


@dataclass(frozen=True)
class ForeignRun:
    """Stores an MLflow run.

    Attributes:
        status: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.
        start: seconds since 1970.
        end: likewise; NaN if it has not ended.
        metrics: the last value of each; infinity as such.
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
        """Return a tag or a param, such as ``tags.model`` or ``params.seed``, or None."""
        group, _, key = name.partition(".")
        return {"tags": self.tags, "params": self.params}[group].get(key)


class ForeignStore:
    """Reads a store: a server, or a SQLite file that exists.

    Args:
        uri: MLflow's tracking URI; ``MLFLOW_TRACKING_URI`` by default, else the lab's own store.

    Raises:
        StoreError: there is no such file, or the store does not answer.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.address = locate(lab_folder(), uri)
        database = self.address.database
        if database is not None and not database.is_file():  # opening it would create it
            raise StoreError(f"MLFLOW_TRACKING_URI must name a store that exists, got {database}")
        preload()
        from mlflow import MlflowClient

        with translate_errors(self.address):
            if database is not None:
                check(database, to_write=False)
            self._client: Any = MlflowClient(self.address.uri)

    def runs(self, experiment: str) -> list[ForeignRun]:
        """Return an experiment's runs that were not deleted, oldest first.

        Raises:
            InputError: there is no such experiment; names the existing ones.
            StoreError: the store does not answer.
        """
        with translate_errors(self.address):
            entry = self._client.get_experiment_by_name(experiment)
            if entry is None or entry.lifecycle_stage != "active":
                known = ", ".join(sorted(e.name for e in self._client.search_experiments()))
                raise InputError(f"experiment must be one of {known}; got {experiment}")
            runs = list(self._pages(entry.experiment_id))
        return sorted((_foreign_run(run) for run in runs), key=lambda run: (run.start, run.run_id))

    def curve(self, run_id: str, metric: str) -> tuple[float, ...]:
        """Return the history of a metric: the last value of each step, by step."""
        with translate_errors(self.address):
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


def _foreign_run(run: Any) -> ForeignRun:
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

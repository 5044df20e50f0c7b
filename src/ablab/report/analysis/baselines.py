"""scikit-learn baselines on the data of a block's trials: a network should beat them."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from ablab.folders import shipped_folder, user_folder
from ablab.formatting import format_number, unit_of
from ablab.report.analysis.trials import Row
from ablab.tracking.baselines import DATA_OPTIONS, MEASURED, Baselines, Result, identity, metric_of
from ablab.tracking.plan import Plan

COLUMNS = ("model", "test/accuracy", "val/accuracy", "n", "fit", "settings")


@dataclass(frozen=True)
class SklearnBaselines:
    """scikit-learn baselines on one data set.

    Attributes:
        data: the data set as on the command line: ``mnist data.train_images=1000``.
        rows: the cells of one row per model, under `COLUMNS`; empty if none was trained.
    """

    data: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def command(self) -> str:
        """The command that trains them."""
        return f"ablab baselines {self.data}"


def sklearn_baselines(
    plan: Plan, rows: Iterable[Row], records: Sequence[Baselines]
) -> list[SklearnBaselines]:
    """Return the baselines on each data set that these trials used, usually one.

    Args:
        plan: holds the configuration of each trial.
        rows: the trials.
        records: all baselines that the lab has.
    """
    by_data: dict[str, tuple[str, list[Baselines]]] = {}
    for row in rows:
        trial = plan.trials.get(row.key) or {}
        dataset = (trial.get("choices") or {}).get("dataset")
        if not dataset:  # the plan of an older version
            continue
        config = trial["config"]
        data = identity(config, trial.get("data_hash") or row.data_hash)
        text = json.dumps(data, sort_keys=True)
        if text in by_data:
            continue
        matching = [r for r in records if (r.dataset, dict(r.identity)) == (dataset, data)]
        by_data[text] = " ".join([dataset, *_overrides(dataset, config)]), matching
    return [SklearnBaselines(name, _rows(matching)) for name, matching in by_data.values()]


def with_baselines(
    plan: Plan, rows: Iterable[Row], names: Sequence[str], records: Sequence[Baselines]
) -> tuple[Row, ...]:
    """Return rows that also have the accuracies of baselines on the split of each trial.

    Args:
        plan: holds the configuration of each trial.
        rows: the trials.
        names: of the baselines; a trial whose split has none gets NaN.
        records: all baselines that the lab has.
    """
    by_split = {record.name: record.results for record in records}

    def extended(row: Row) -> Row:
        trial = plan.trials.get(row.key) or {}
        config = trial.get("config") or {}
        dataset = (trial.get("choices") or {}).get("dataset", "")
        data = identity(config, trial.get("data_hash") or row.data_hash)
        results = by_split.get(Baselines(dataset, data, config.get("seed", 0), {}).name, {})
        own = {
            metric_of(name, metric): (
                results[name].metrics[metric] if name in results else math.nan,
                "",
            )
            for name in names
            for metric in MEASURED
        }
        return replace(row, others={**row.others, **own})

    return tuple(extended(row) for row in rows)


def _rows(records: Sequence[Baselines]) -> tuple[tuple[str, ...], ...]:
    """Return one row per model, with means over the splits that it was trained on."""
    names = dict.fromkeys(name for record in records for name in record.results)
    return tuple(
        _row([record.results[name] for record in records if name in record.results])
        for name in names
    )


def _row(results: Sequence[Result]) -> tuple[str, ...]:
    accuracies = [
        unit_of(metric).value(_mean(result.metrics[metric] for result in results))
        for metric in COLUMNS[1:3]
    ]
    limit = "" if all(result.converged for result in results) else "; stopped at its limit"
    settings = ", ".join(f"{key} {value}" for key, value in results[0].settings.items())
    seconds = f"{format_number(_mean(result.fit_seconds for result in results), 1)} s"
    return (results[0].title, *accuracies, str(len(results)), seconds, settings + limit)


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _overrides(dataset: str, config: Mapping[str, Any]) -> list[str]:
    """Return the overrides that turn the shipped data set into this one."""
    given = {"dataset": config["dataset"], "data": config.get("data") or {}}
    shipped = {"dataset": _yaml(dataset), "data": DATA_OPTIONS}
    return [
        f"{group}.{key}={value if isinstance(value, str) else json.dumps(value)}"
        for group, values in given.items()
        for key, value in values.items()
        if key in shipped[group] and value != shipped[group][key]
    ]


def _yaml(dataset: str) -> Mapping[str, Any]:
    for folder in filter(None, (shipped_folder("conf"), user_folder("conf"))):
        path = folder / "dataset" / f"{dataset}.yaml"
        if path.is_file():
            content: Mapping[str, Any] = yaml.safe_load(path.read_text("utf-8"))
            return content
    return {}

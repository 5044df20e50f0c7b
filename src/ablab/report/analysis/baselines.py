"""The classical learners beside a block's variants: what any network has to beat."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ablab.folders import own_folder, user_folder
from ablab.report.analysis.trials import Row
from ablab.report.formatting import number, unit_of
from ablab.report.page.tables import Table
from ablab.tracking.baselines import DATA_OPTIONS, Baselines, Result, identity
from ablab.tracking.plan import Plan

COLUMNS = ("learner", "test/accuracy", "val/accuracy", "n", "fit", "settings")


@dataclass(frozen=True)
class Classical:
    """The learners on the data of a block's trials.

    Attributes:
        data: the data set as a command names it: ``mnist data.train_images=1000``.
        table: a row a learner, none where none was trained.
    """

    data: str
    table: Table

    @property
    def command(self) -> str:
        """What trains them."""
        return f"ablab baselines {self.data}"


def classical(plan: Plan, rows: Iterable[Row], records: Sequence[Baselines]) -> list[Classical]:
    """Return what the lab knows of each data that these trials were given; mostly that is one."""
    found: dict[str, tuple[str, list[Baselines]]] = {}
    for row in rows:
        trial = plan.trials.get(row.key) or {}
        dataset = (trial.get("choices") or {}).get("dataset")
        if not dataset:  # a trial of an older plan
            continue
        config = trial["config"]
        same = identity(config, trial.get("data_hash") or row.data_hash)
        text = json.dumps(same, sort_keys=True)
        if text in found:
            continue
        matching = [r for r in records if (r.dataset, dict(r.identity)) == (dataset, same)]
        found[text] = " ".join([dataset, *_overrides(dataset, config)]), matching
    return [Classical(data, _table(matching)) for data, matching in found.values()]


def _table(records: Sequence[Baselines]) -> Table:
    """Return means over the splits that were trained on."""
    names = dict.fromkeys(name for record in records for name in record.results)
    rows = [
        _row([record.results[name] for record in records if name in record.results])
        for name in names
    ]
    return Table((), COLUMNS, tuple((row, "") for row in rows))


def _row(results: Sequence[Result]) -> tuple[str, ...]:
    accuracies = [
        unit_of(metric).value(_mean(result.metrics[metric] for result in results))
        for metric in COLUMNS[1:3]
    ]
    limit = "" if all(result.converged for result in results) else "; stopped at its limit"
    settings = ", ".join(f"{key} {value}" for key, value in results[0].settings.items())
    seconds = f"{number(_mean(result.fit_seconds for result in results), 1)} s"
    return (results[0].title, *accuracies, str(len(results)), seconds, settings + limit)


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _overrides(dataset: str, config: Mapping[str, Any]) -> list[str]:
    """Return what differs from the data set as it is shipped, as a command line takes it."""
    given = {"dataset": config["dataset"], "data": config.get("data") or {}}
    usual = {"dataset": _yaml(dataset), "data": DATA_OPTIONS}
    return [
        f"{group}.{key}={value if isinstance(value, str) else json.dumps(value)}"
        for group, values in given.items()
        for key, value in values.items()
        if key in usual[group] and value != usual[group][key]
    ]


def _yaml(dataset: str) -> Mapping[str, Any]:
    for folder in filter(None, (own_folder("conf"), user_folder("conf"))):
        path = folder / "dataset" / f"{dataset}.yaml"
        if path.is_file():
            content: Mapping[str, Any] = yaml.safe_load(path.read_text("utf-8"))
            return content
    return {}

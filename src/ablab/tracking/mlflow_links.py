"""What MLflow 3 links with a run: its data set, and its model with the final metrics.

The model is an entry without files: the weights are an artifact of the run already. It makes the
trained networks of an experiment a list that can be sorted by a metric on a data set. An export
adds the files (see `ablab.tracking.model_export`).
"""

import json
from collections.abc import Mapping
from typing import Any

from ablab.tracking.completion import Completion
from ablab.tracking.mlflow_names import shorten, valid_name
from ablab.tracking.records import BEST
from ablab.tracking.store import Store

_DIGEST_LENGTH = 36
_SOURCE_LENGTH = 60_000
_CONTEXT = "train, validation, test"  # the hash is that of all three
_NOTE = f"The network with the weights of `{BEST}`, which is an artifact of the source run."
_DESCRIBED = ("architecture", "activation", "dataset")


def log_dataset(store: Store, run_id: str, trial: Mapping[str, Any]) -> None:
    """Log the data set of a trial as an input of its MLflow run; repeated, nothing changes."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name, digest = dataset_of(trial)
    if digest:
        source = {"sha256": trial["data_hash"], **_settings(trial)}
        text = shorten(json.dumps(source, ensure_ascii=False), _SOURCE_LENGTH)
        dataset = Dataset(name, digest, "ablab", text)
        tags = [InputTag("mlflow.data.context", _CONTEXT)]
        store.client.log_inputs(run_id, [DatasetInput(dataset, tags)])


def dataset_of(trial: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name of a trial's data set, and the start of the hash of its content."""
    name = str(trial.get("choices", {}).get("dataset", "data"))
    return shorten(name, 250), str(trial.get("data_hash") or "")[:_DIGEST_LENGTH]


def link_model(
    store: Store, run_id: str, name: str, trial: Mapping[str, Any], completion: Completion
) -> dict[str, dict[str, str]]:
    """Create the logged model of a finished run, unless it exists, and return what links metrics.

    Args:
        store: the open store.
        run_id: id of the MLflow run.
        name: name of the model.
        trial: the resolved trial.
        completion: its completion record.

    Returns:
        For each final metric, by its name in MLflow, what links it: the model, and for metrics of
        the test also the data set.
    """
    model_id = linked_model(store, run_id, name, trial, completion.key)
    dataset, digest = dataset_of(trial)
    data = {"dataset_name": dataset, "dataset_digest": digest} if digest else {}
    return {
        valid_name(name): {"model_id": model_id, **(data if metric.startswith("test/") else {})}
        for metric in completion.metrics
        for name in (metric, f"final/{metric}")  # see `ablab.tracking.values.final_points`
    }


def linked_model(store: Store, run_id: str, name: str, trial: Mapping[str, Any], key: str) -> str:
    """Return the id of the logged model of a finished run, an output of its MLflow run.

    It is created unless it exists.
    """
    mlflow_run = store.client.get_run(run_id)
    model_id = find_model(store, mlflow_run)
    if model_id is None:
        choices = trial.get("choices", {})
        model = store.client.create_logged_model(
            mlflow_run.info.experiment_id,
            _model_name(name),
            run_id,
            tags={"mlflow.note.content": _NOTE, "key": key},
            params={axis: str(choices[axis]) for axis in _DESCRIBED if axis in choices},
            model_type="classifier",
        )
        model_id = str(model.model_id)
    if model_id not in {output.model_id for output in mlflow_run.outputs.model_outputs}:
        from mlflow.entities import LoggedModelOutput

        store.client.finalize_logged_model(model_id, "READY")
        store.client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
    return model_id


def find_model(store: Store, mlflow_run: Any) -> str | None:
    """Return the id of the first model that an MLflow run is the source of, or None."""
    found = store.client.search_logged_models(
        [mlflow_run.info.experiment_id], f"source_run_id = '{mlflow_run.info.run_id}'"
    )
    first = min(found, key=lambda m: (m.creation_timestamp, m.model_id), default=None)
    return None if first is None else str(first.model_id)


def _settings(trial: Mapping[str, Any]) -> dict[str, Any]:
    settings = trial.get("config", {}).get("dataset")
    return dict(settings) if isinstance(settings, Mapping) else {}


def _model_name(name: str) -> str:
    """Return a name of a model; MLflow allows no ``/``, ``:``, ``.``, ``%`` or quotes in it."""
    return name.translate(str.maketrans("/:.%\"'", "______"))

"""A trained network as an MLflow model: saved, logged to its MLflow run, and registered.

The model is a torch.export program and a small file of Python (`ablab.tracking.served_model`), with
signature and input example; nothing in it is pickled. Only MLflow's client is used, not its fluent
API, whose active run and active model are states of the whole process.
"""

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ablab.errors import InputError
from ablab.tracking.completion import completion_sha
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.mlflow_links import linked_model
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.plan import read_plans
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.store_errors import translate_errors
from ablab.tracking.sweep_run import TRIALS, describe_cell, describe_trial

COMPLETION_TAG = "ablab.completion"
_CODE = Path(__file__).with_name("served_model.py")
_PACKAGES = ("mlflow", "numpy", "pandas", "torch")


def save_model(
    folder: Path, program: Path, example: NDArray[Any], metadata: Mapping[str, Any]
) -> None:
    """Write a model in MLflow's format.

    Args:
        folder: to create.
        program: the torch.export program, images -> logits (N, K).
        example: a batch of images; its type and all but its first size become the signature.
        metadata: of the model, such as its key.
    """
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema, TensorSpec

    columns: list[Any] = [
        ColSpec(DataType.string, "class"),
        ColSpec(DataType.double, "probability"),
        ColSpec(Array(DataType.double), "probabilities"),
    ]
    images = TensorSpec(example.dtype, (-1, *example.shape[1:]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # asks for type hints, which cannot describe an array
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(_CODE),
            artifacts={"program": str(program)},
            signature=ModelSignature(Schema([images]), Schema(columns)),
            input_example=example,
            pip_requirements=_requirements(),
            metadata=dict(metadata),
        )
    _remove_local_paths(folder)


def _remove_local_paths(folder: Path) -> None:
    """Shorten paths of this machine that MLflow writes into ``MLmodel`` to those of the copies."""
    from mlflow.models import Model

    model = Model.load(str(folder))
    flavor = model.flavors["python_function"]
    flavor["model_code_path"] = _CODE.name
    for artifact in flavor["artifacts"].values():
        artifact["uri"] = artifact["path"]
    model.save(str(folder / "MLmodel"))


def read_model(folder: Path) -> Any:
    """Return the function of a saved model: images -> data frame, as MLflow serves it."""
    import mlflow.pyfunc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in `save_model`
        return mlflow.pyfunc.load_model(str(folder)).predict


def log_model(store: Store, run: Run, folder: Path) -> str:
    """Log a saved model as the files of a run's logged model; the run is delivered first.

    Args:
        store: the open store.
        run: finished.
        folder: of the saved model; its ``MLmodel`` is changed to name the MLflow run.

    Returns:
        The id of the logged model.

    Raises:
        StoreError: the store does not answer.
        InputError: the user deleted the MLflow run.
    """
    from mlflow.models import Model

    run_id, name = _mlflow_run(store, run)
    sha = completion_sha(run.folder)
    with translate_errors(store.address):
        model_id = linked_model(store, run_id, name, run.trial, run.key)
        logged = store.client.get_logged_model(model_id)
        if logged.tags.get(COMPLETION_TAG) == sha:
            return model_id
        model = Model.load(str(folder))
        model.run_id, model.model_id, model.model_uuid = run_id, model_id, model_id
        model.artifact_path = logged.artifact_location
        model.save(str(folder / "MLmodel"))
        store.client.log_model_artifacts(model_id, str(folder))
        # Last: an upload that was interrupted is repeated.
        store.client.set_logged_model_tags(model_id, {COMPLETION_TAG: sha})
    return model_id


def register_model(store: Store, name: str, model_id: str) -> int:
    """Register a logged model, and return its version: a new one, or the one that it has.

    Raises:
        StoreError: the store does not answer, or refuses the name.
    """
    from mlflow.exceptions import MlflowException

    with translate_errors(store.address):
        try:
            store.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        logged = store.client.get_logged_model(model_id)
        for known in store.client.search_model_versions(f"name = '{name}'"):
            if known.source == logged.artifact_location:
                return int(known.version)
        created = store.client.create_model_version(
            name, logged.artifact_location, logged.source_run_id, model_id=model_id
        )
    return int(created.version)


def check_name(name: str) -> None:
    """Refuse a name that a registered model cannot have.

    Raises:
        InputError: it is empty, or has a character with a meaning in addresses or queries.
    """
    if not name.strip() or any(c in "/:.%\"'" for c in name) or not name.isprintable():
        raise InputError(
            f"--register must be a name without / : . % and quotes, got {name or 'nothing'}"
        )


def _mlflow_run(store: Store, run: Run) -> tuple[str, str]:
    """Deliver a run, and return the id of its MLflow run, and the name.

    Raises:
        InputError: the user deleted the MLflow run.
    """
    experiment, name, tags = _target(run)
    try:
        delivered = deliver(run, store, experiment, name=name, tags=tags)
    except RunDeletedError as error:
        raise InputError(
            f"the MLflow run of trial {run.key} must exist, got a deleted one; "
            "`ablab sync --restore` restores it"
        ) from error
    assert delivered.run_id is not None  # a finished run has journal entries
    return delivered.run_id, name


def _target(run: Run) -> tuple[str, str, dict[str, str]]:
    """Return the experiment of a run, as `ablab sync` chooses it, and name and tags in it."""
    plans = read_plans(Lab(run.folder.parents[2]))[0]
    for plan in sorted(plans, key=lambda plan: (plan.parts[0].time, plan.sweep)):
        for cell in plan.all_cells:
            if cell.key == run.key:
                return plan.sweep, *describe_cell(plan, cell)
    return TRIALS, *describe_trial(run.trial)


def _requirements() -> list[str]:
    """Return pins of the packages that serve a model; +cpu and the like are no public versions."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in _PACKAGES]

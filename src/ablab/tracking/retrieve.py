"""Retrieval: a finished run that another lab delivered, from the shared store into this lab."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from re import compile as pattern
from typing import Any

import yaml

from ablab.errors import StoreError
from ablab.tracking.address import local_folder
from ablab.tracking.completion import (
    COMPLETION,
    OMITTED,
    checked_completion,
    completion_sha,
    parse_completion,
)
from ablab.tracking.delivery_state import DeliveryState, read_states, write_states
from ablab.tracking.files import MARK, DamagedError, mark, remove_abandoned, write_atomic
from ablab.tracking.journal import check_epochs
from ablab.tracking.lab import Lab
from ablab.tracking.run import ENVIRONMENT, JOURNAL, LOG, TRIAL, Run
from ablab.tracking.sealed import write_sealed
from ablab.tracking.store import Store
from ablab.tracking.store_errors import translate_errors

_CONFIG = "config.yaml"
_NEEDED = (_CONFIG, ENVIRONMENT, JOURNAL, LOG)
_STAGING = pattern(rf"\.retrieved-(?P<mark>{MARK})")
_CHECKPOINT = ".ckpt"


def find_retrieved(lab: Lab, store: Store, key: str, run_id: str) -> Run | None:
    """Return the run of this lab that an MLflow run shows, None if the lab has none."""
    for run in lab.runs(key):
        if any(state.run_id == run_id for state in read_states(run, store.label).values()):
            return run
    return None


def retrieve(store: Store, lab: Lab, trial: Mapping[str, Any], experiment: str, run_id: str) -> Run:
    """Download a finished run into the lab, where it counts as if it had been trained there.

    Args:
        store: the shared store.
        lab: receives the run, whole or not at all.
        trial: as this lab resolved it.
        experiment: name of the MLflow run's experiment.
        run_id: id of the MLflow run.

    Raises:
        StoreError: the store does not answer, or lacks a file of the run, or its files are not
            those that its completion record lists.
    """
    remove_abandoned(lab.root, _STAGING)
    staging = lab.root / f".retrieved-{mark()}"
    try:
        with translate_errors(store.address):
            mlflow_run = store.client.get_run(run_id)
        run = _download(store, mlflow_run, staging, trial)
        if completion_sha(run.folder) != mlflow_run.data.params.get("completion"):
            raise DamagedError(f"{COMPLETION} must be the record whose checksum MLflow has")
        check_epochs(run.journal, run.entries())
        state = DeliveryState(run_id, completion=completion_sha(run.folder), retrieved=True)
        write_states(run, store.label, {experiment: state})
        return lab.adopt(run)
    except (DamagedError, OSError, ValueError, yaml.YAMLError) as error:
        text = str(error).replace(str(staging), "")
        raise StoreError(f"MLflow run {run_id} must hold a whole trial, got: {text}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _download(store: Store, mlflow_run: Any, staging: Path, trial: Mapping[str, Any]) -> Run:
    """Return the run in a folder of its own, checked against its completion record."""
    number = mlflow_run.data.tags.get("ablab.take", "").rpartition("/")[2]
    run = Run(staging / "trials" / trial["key"] / (number if number.isdigit() else "001"))
    run.folder.mkdir(parents=True)
    _fetch(store, mlflow_run, run.folder, COMPLETION)
    completion = parse_completion(run.folder)
    if completion is None:
        raise DamagedError(f"{COMPLETION} must exist, got no file")
    checkpoints = [name for name in completion.artifacts if name.endswith(_CHECKPOINT)]
    for name in dict.fromkeys((*_NEEDED, *completion.artifacts)):
        if name not in checkpoints:
            _fetch(store, mlflow_run, run.folder, name)
    if checkpoints:  # they are not delivered
        write_atomic(run.folder / OMITTED, "".join(f"{name}\n" for name in checkpoints))
    config = yaml.safe_load((run.folder / _CONFIG).read_text("utf-8"))
    probes = config.get("probes") if isinstance(config, dict) else None
    # The key says that both labs mean the same trial; what was watched is theirs.
    own = {**trial, "config": {**trial["config"], "probes": probes or {}}}
    write_sealed(run.folder / TRIAL, own)
    checked_completion(run.folder, thorough=True)
    return run


def _fetch(store: Store, mlflow_run: Any, folder: Path, name: str) -> None:
    source = local_folder(mlflow_run.info.artifact_uri)
    if source is None:
        with translate_errors(store.address):
            store.client.download_artifacts(mlflow_run.info.run_id, name, str(folder))
    else:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, folder / name)

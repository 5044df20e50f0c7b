"""Artifacts of an MLflow run: linked if the store keeps them on this disk, else copied or sent.

A hard link takes no space, so mirrored runs do not double the size of the lab.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ablab.errors import StoreError
from ablab.tracking.address import local_folder
from ablab.tracking.completion import COMPLETION, Completion, omitted_weights
from ablab.tracking.files import file_sha256, replacing, temporary_folder
from ablab.tracking.pictures.draw import PICTURES, draw
from ablab.tracking.records import CORRECT
from ablab.tracking.run import ENVIRONMENT, JOURNAL, LOG, Run
from ablab.tracking.store import Store

STARTED = ("config.yaml", ENVIRONMENT)
ENDED = (*STARTED, JOURNAL, LOG)
FINISHED = (
    *ENDED,
    "per_class.csv",
    "confusion_matrix.csv",
    CORRECT,
    "best.safetensors",
    COMPLETION,
)
_CHECKPOINT = ".ckpt"


def log_artifacts(
    store: Store, mlflow_run: Any, folder: Path, names: Iterable[str], subfolder: str = ""
) -> None:
    """Log files as artifacts of an MLflow run; those that do not exist are left out.

    Args:
        store: the open store.
        mlflow_run: MLflow's run.
        folder: where the files are.
        names: their paths in ``folder``.
        subfolder: of the artifacts, empty for the top.
    """
    target = local_folder(mlflow_run.info.artifact_uri)
    for name in names:
        source, artifact = folder / name, Path(subfolder, name)
        if not source.is_file():
            continue
        if target is not None:
            store.logged["artifacts"] += _link(source, target / artifact)
        else:
            parent = None if artifact.parent == Path() else str(artifact.parent)
            store.client.log_artifact(mlflow_run.info.run_id, str(source), parent)
            store.logged["artifacts"] += 1


def log_finished_artifacts(
    store: Store, mlflow_run: Any, run: Run, completion: Completion, title: str
) -> None:
    """Log the files and pictures of a finished run as artifacts, and compare their checksums.

    Args:
        store: the open store.
        mlflow_run: MLflow's run.
        run: the run; its checkpoint is not logged.
        completion: its completion record.
        title: title of the pictures.

    Raises:
        StoreError: an artifact differs from the completion record.
    """
    names, omitted = finished_names(completion), omitted_weights(run.folder)
    log_artifacts(store, mlflow_run, run.folder, names)
    with temporary_folder() as folder:
        log_artifacts(store, mlflow_run, folder, draw(run, title, folder), PICTURES)
    listed = {n: artifact for n, artifact in completion.artifacts.items() if n in names}
    listed = {n: artifact for n, artifact in listed.items() if n not in omitted}
    target = local_folder(mlflow_run.info.artifact_uri)
    sizes = {} if target else artifact_sizes(store, mlflow_run)
    for artifact, expected in listed.items():
        sha = file_sha256((target or run.folder) / artifact)
        size = expected["size"] if target else sizes.get(artifact)
        if sha != expected["sha256"] or size != expected["size"]:
            raise StoreError(
                f"{run.folder / artifact} must be as the completion record lists it "
                f"({expected['size']} bytes, SHA-256 {expected['sha256']}), got {size}, {sha}"
            )


def finished_names(completion: Completion) -> list[str]:
    """Return the files of a finished run that are logged: all but its checkpoint."""
    names = {*FINISHED, *completion.artifacts}
    return sorted(name for name in names if not name.endswith(_CHECKPOINT))


def has_artifacts(store: Store, mlflow_run: Any, folder: Path, names: Iterable[str]) -> bool:
    """Return whether an MLflow run still has those of the named files that exist in ``folder``.

    Users delete artifacts, by hand or in MLflow. Only sizes are compared: delivery compared the
    content.
    """
    expected = {n: (folder / n).stat().st_size for n in names if (folder / n).is_file()}
    sizes = artifact_sizes(store, mlflow_run)
    return all(sizes.get(name) == size for name, size in expected.items())


def has_pictures(store: Store, mlflow_run: Any) -> bool:
    """Return whether an MLflow run still has pictures."""
    target = local_folder(mlflow_run.info.artifact_uri)
    if target is None:
        return bool(store.client.list_artifacts(mlflow_run.info.run_id, PICTURES))
    return any((target / PICTURES).glob("*.png"))


def artifact_sizes(store: Store, mlflow_run: Any) -> dict[str, int]:
    """Return the sizes of all artifacts of an MLflow run, in bytes, by path."""
    target = local_folder(mlflow_run.info.artifact_uri)
    if target is None:
        return _sizes(store, mlflow_run.info.run_id)
    files = (file for file in target.rglob("*") if file.is_file())
    return {file.relative_to(target).as_posix(): file.stat().st_size for file in files}


def _sizes(store: Store, run_id: str, folder: str | None = None) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for item in store.client.list_artifacts(run_id, folder):
        sizes |= _sizes(store, run_id, item.path) if item.is_dir else {item.path: item.file_size}
    return sizes


def _link(source: Path, target: Path) -> bool:
    """Link or copy a file; return whether it was not there yet."""
    if target.exists() and target.samefile(source):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as partial:
        try:
            os.link(source, partial)
        except OSError:  # another filesystem, or one without links
            shutil.copy2(source, partial)
    return True

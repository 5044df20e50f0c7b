"""A run's files in its run: linked where the store keeps them on this disk, else copied or sent.

A link costs no space, so that mirrored runs do not double what the lab holds.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ablab.errors import StoreError
from ablab.tracking.address import local_folder
from ablab.tracking.completion import COMPLETION, Completion
from ablab.tracking.files import file_sha256, replacing, temporary_folder
from ablab.tracking.lab import ENVIRONMENT, JOURNAL, LOG, Run
from ablab.tracking.pictures import draw
from ablab.tracking.records import CORRECT
from ablab.tracking.store import Store

BEGUN = ("config.yaml", ENVIRONMENT)
ENDED = (*BEGUN, JOURNAL, LOG)
FINISHED = (
    *ENDED,
    "per_class.csv",
    "confusion_matrix.csv",
    CORRECT,
    "best.safetensors",
    COMPLETION,
)
_CHECKPOINT = ".ckpt"
_PICTURES = "pictures"


def place(
    store: Store, mlflow_run: Any, folder: Path, names: Iterable[str], within: str = ""
) -> None:
    """Put those of the named files of ``folder`` that exist among a run's artifacts.

    Args:
        store: the open store.
        mlflow_run: MLflow's run.
        folder: where the files are.
        names: their paths in ``folder``.
        within: the artifacts' folder, empty for the top.
    """
    target = local_folder(mlflow_run.info.artifact_uri)
    for name in names:
        source, below = folder / name, Path(within, name)
        if not source.is_file():
            continue
        if target is not None:
            _link(source, target / below)
        else:
            parent = None if below.parent == Path() else str(below.parent)
            store.client.log_artifact(mlflow_run.info.run_id, str(source), parent)


def place_finished(
    store: Store, mlflow_run: Any, run: Run, completion: Completion, name: str
) -> None:
    """Put all artifacts of a finished take in its run, with pictures, and check them.

    Args:
        store: the open store.
        mlflow_run: MLflow's run.
        run: the run; its checkpoint stays where it is.
        completion: its record.
        name: what the pictures' titles call it.

    Raises:
        StoreError: what arrived is not what the completion record lists.
    """
    names = finished_names(completion)
    place(store, mlflow_run, run.folder, names)
    with temporary_folder() as folder:
        place(store, mlflow_run, folder, draw(run, name, folder), _PICTURES)
    listed = {n: artifact for n, artifact in completion.artifacts.items() if n in names}
    target = local_folder(mlflow_run.info.artifact_uri)
    sizes = {} if target else _sizes(store, mlflow_run.info.run_id)
    for artifact, expected in listed.items():
        sha = file_sha256((target or run.folder) / artifact)
        size = expected["size"] if target else sizes.get(artifact)
        if sha != expected["sha256"] or size != expected["size"]:
            raise StoreError(
                f"{run.folder / artifact} must be what the completion record lists "
                f"({expected['size']} bytes, SHA-256 {expected['sha256']}), got {size}, {sha}"
            )


def finished_names(completion: Completion) -> list[str]:
    """Return the files of a finished run that its run shows; its checkpoint stays where it is."""
    names = {*FINISHED, *completion.artifacts}
    return sorted(name for name in names if not name.endswith(_CHECKPOINT))


def is_whole(store: Store, mlflow_run: Any, folder: Path, names: Iterable[str]) -> bool:
    """Tell whether a run still has those of the named files of ``folder`` that exist.

    Users delete artifacts, by hand or in MLflow; sizes are compared, contents were at delivery.
    """
    wanted = {n: (folder / n).stat().st_size for n in names if (folder / n).is_file()}
    target = local_folder(mlflow_run.info.artifact_uri)
    held = _sizes(store, mlflow_run.info.run_id) if target is None else _sizes_below(target)
    return all(held.get(name) == size for name, size in wanted.items())


def has_pictures(store: Store, mlflow_run: Any) -> bool:
    """Tell whether a run still has pictures."""
    target = local_folder(mlflow_run.info.artifact_uri)
    if target is None:
        return bool(store.client.list_artifacts(mlflow_run.info.run_id, _PICTURES))
    return any((target / _PICTURES).glob("*.png"))


def _sizes_below(target: Path) -> dict[str, int]:
    return {f.name: f.stat().st_size for f in target.glob("*") if f.is_file()}


def _sizes(store: Store, run_id: str, folder: str | None = None) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for item in store.client.list_artifacts(run_id, folder):
        sizes |= _sizes(store, run_id, item.path) if item.is_dir else {item.path: item.file_size}
    return sizes


def _link(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as partial:
        try:
            os.link(source, partial)
        except OSError:  # another filesystem, or one without links
            shutil.copy2(source, partial)

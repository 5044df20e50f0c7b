"""A take's files in its run: linked where the store keeps them on this disk, else copied or sent.

A link costs no space, so that mirrored runs do not double what the lab holds.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ablab.errors import StoreError
from ablab.tracking.completion import COMPLETION, Completion
from ablab.tracking.files import file_sha256, replacing, temporary_folder
from ablab.tracking.lab import JOURNAL, Take
from ablab.tracking.pictures import draw
from ablab.tracking.records import CORRECT, ENVIRONMENT
from ablab.tracking.store import Store

BEGUN = ("config.yaml", ENVIRONMENT)
ENDED = (*BEGUN, JOURNAL, "log.txt")
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


def place(store: Store, run: Any, folder: Path, names: Iterable[str], within: str = "") -> None:
    """Put those of the named files of ``folder`` that exist among a run's artifacts.

    Args:
        store: the open store.
        run: MLflow's run.
        folder: where the files are.
        names: their paths in ``folder``.
        within: the artifacts' folder, empty for the top.
    """
    target = local_folder(run.info.artifact_uri)
    for name in names:
        source, below = folder / name, Path(within, name)
        if not source.is_file():
            continue
        if target is not None:
            _link(source, target / below)
        else:
            parent = None if below.parent == Path() else str(below.parent)
            store.client.log_artifact(run.info.run_id, str(source), parent)


def place_finished(store: Store, run: Any, take: Take, completion: Completion, name: str) -> None:
    """Put all artifacts of a finished take in its run, with pictures, and check them.

    Args:
        store: the open store.
        run: MLflow's run.
        take: the take; its checkpoint stays where it is.
        completion: its record.
        name: what the pictures' titles call it.

    Raises:
        StoreError: what arrived is not what the completion record lists.
    """
    names = {n for n in (*FINISHED, *completion.artifacts) if not n.endswith(_CHECKPOINT)}
    place(store, run, take.folder, sorted(names))
    with temporary_folder() as folder:
        place(store, run, folder, draw(take, name, folder), _PICTURES)
    listed = {n: artifact for n, artifact in completion.artifacts.items() if n in names}
    target = local_folder(run.info.artifact_uri)
    sizes = {} if target else _sizes(store, run.info.run_id)
    for artifact, expected in listed.items():
        sha = file_sha256((target or take.folder) / artifact)
        size = expected["size"] if target else sizes.get(artifact)
        if sha != expected["sha256"] or size != expected["size"]:
            raise StoreError(
                f"{take.folder / artifact} must be what the completion record lists "
                f"({expected['size']} bytes, SHA-256 {expected['sha256']}), got {size}, {sha}"
            )


def local_folder(uri: str) -> Path | None:
    """Return the folder of an artifact address, or None where it is no folder of this machine."""
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme in ("", "file") else None


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

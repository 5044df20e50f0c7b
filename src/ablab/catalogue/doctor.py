"""Diagnostics of this machine for troubleshooting."""

import os
import shutil
from collections.abc import Iterator

import torch

from ablab import folders
from ablab.config.compose import AXES, components
from ablab.config.preflight import device_notes
from ablab.training.environment import describe_environment


def findings() -> Iterator[tuple[str, str]]:
    """Yield names and values: versions, devices, folders, data, store."""
    for name, value in describe_environment().items():
        if value not in ("", None):
            yield name, str(value)
    yield "GPUs", str(torch.cuda.device_count())
    yield from (("note", note) for note in device_notes())
    lab = folders.lab_folder()
    yield "lab", str(lab) if lab.exists() else f"{lab} (created by the first trial)"
    yield "data", str(folders.data_folder())
    for name in ("conf", "sweeps"):
        user_folder = folders.user_folder(name)
        yield f"your ./{name}", str(user_folder) if user_folder else "none"
    existing = next(folder for folder in (lab, *lab.parents) if folder.exists())
    yield "free disk", f"{shutil.disk_usage(existing).free / 1e9:.1f} GB"
    yield "store", os.environ.get("MLFLOW_TRACKING_URI") or "the lab's own (SQLite)"
    yield "components", str(sum(len(components(axis)) for axis in AXES))

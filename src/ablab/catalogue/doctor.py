"""What ablab finds on this machine, for whoever asks why something does not work."""

import os
import shutil
from collections.abc import Iterator

import torch

from ablab import folders
from ablab.config.compose import AXES, components
from ablab.config.preflight import device_notes
from ablab.training.environment import describe_environment


def findings() -> Iterator[tuple[str, str]]:
    """Yield a name and what was found: versions, devices, folders, data, store."""
    for name, value in describe_environment().items():
        if value not in ("", None):
            yield name, str(value)
    yield "GPUs", str(torch.cuda.device_count())
    yield from (("note", note) for note in device_notes())
    lab = folders.lab_folder()
    yield "lab", str(lab) if lab.exists() else f"{lab} (made by the first trial)"
    yield "data", str(folders.data_folder())
    for name in ("conf", "sweeps"):
        mine = folders.user_folder(name)
        yield f"your ./{name}", str(mine) if mine else "none"
    place = next(folder for folder in (lab, *lab.parents) if folder.exists())
    yield "free disk", f"{shutil.disk_usage(place).free / 1e9:.1f} GB"
    yield "store", os.environ.get("MLFLOW_TRACKING_URI") or "the lab's own (SQLite)"
    yield "components", str(sum(len(components(axis)) for axis in AXES))

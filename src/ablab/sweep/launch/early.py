"""Starts the server that forks trials before the sweep is planned: its imports take seconds."""

import sys
from collections.abc import Sequence

from ablab.config.threads import cpu_threads
from ablab.errors import AblabError
from ablab.folders import lab_folder, shipped_folder, user_folder
from ablab.sweep.launch.server import PRELOAD, ForkServer, remove_abandoned_folders
from ablab.sweep.names import sweep_id
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan

_DECIDING = ("launcher", "devices")  # groups that decide whether trials are forked, and how


def start_early(name: str, overrides: Sequence[str]) -> None:
    """Start the server of a sweep that probably forks trials; a wrong guess only costs time.

    Not started where the launcher or the devices are set, where the plan seems finished, and where
    this process has imported torch itself. The temporary folders of killed sweeps are removed in
    any case: the last of them may have finished all trials.
    """
    remove_abandoned_folders()
    if sys.platform == "darwin" or "torch" in sys.modules:
        return
    try:
        if _is_plain(name, overrides) and _is_open(Lab(lab_folder()), sweep_id(name, overrides)):
            ForkServer(PRELOAD, cpu_threads({"threads": "auto"})).is_ready()
    except (AblabError, OSError):  # it is met again where it can be told
        return


def _is_plain(name: str, overrides: Sequence[str]) -> bool:
    """Return whether a sweep uses the launcher and devices of the defaults."""
    folders = (user_folder("sweeps"), shipped_folder("sweeps"))
    paths = [folder / f"{name}.yaml" for folder in folders if folder is not None]
    text = next((path.read_text("utf-8") for path in paths if path.is_file()), None)
    return text is not None and not any(
        group in words for group in _DECIDING for words in (text, *overrides)
    )


def _is_open(lab: Lab, sweep: str) -> bool:
    """Return whether a sweep has no plan yet, or its last trial has no result."""
    plan = read_plan(lab.sweep_folder(sweep))
    return plan is None or not plan.cells or lab.finished(plan.cells[-1].key) is None

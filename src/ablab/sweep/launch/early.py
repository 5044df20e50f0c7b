"""Starts the processes that a sweep will need before it is planned: their imports take seconds."""

import sys
from collections.abc import Sequence

from ablab.config.threads import cpu_threads
from ablab.errors import AblabError
from ablab.folders import lab_folder, shipped_folder, user_folder
from ablab.sweep.launch.server import PRELOAD, ForkServer, remove_abandoned_folders
from ablab.sweep.names import sweep_id
from ablab.tracking.background_delivery import BackgroundDelivery
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan

_FORKING = ("launcher", "devices")  # groups that decide whether trials are forked, and how
_DELIVERING = ("tracking", "tune")  # decide whether runs are delivered, and whether others before


def start_early(name: str, overrides: Sequence[str]) -> bool:
    """Start the server of a sweep that probably forks trials; a wrong guess only costs time.

    Not started where the launcher or the devices are set, where the plan seems finished, and where
    this process has imported torch itself. The temporary folders of killed processes are removed
    in any case: the last of them may have finished all trials.

    Returns:
        Whether it was started.
    """
    try:
        remove_abandoned_folders()
        if sys.platform == "darwin" or "torch" in sys.modules:
            return False
        is_open = _is_open(Lab(lab_folder()), sweep_id(name, overrides))
        if not (is_open and _has_defaults(_FORKING, name, overrides)):
            return False
        ForkServer(PRELOAD, cpu_threads({"threads": "auto"})).is_ready()
    except (AblabError, OSError):  # it is met again where it can be told
        return False
    return True


def deliver_early(name: str, overrides: Sequence[str]) -> BackgroundDelivery | None:
    """Start the delivery of a sweep whose server is importing: planning will wait for that.

    The delivery imports MLflow meanwhile, on another core.

    Returns:
        The delivery, for the sweep to use; None if the sweep may not be delivered, or if others
        are delivered before. The caller closes it.
    """
    if not _has_defaults(_DELIVERING, name, overrides):
        return None
    return BackgroundDelivery(Lab(lab_folder()), sweep_id(name, overrides))


def _has_defaults(groups: Sequence[str], name: str, overrides: Sequence[str]) -> bool:
    """Return whether neither a sweep's YAML nor the overrides mention these groups."""
    folders = (user_folder("sweeps"), shipped_folder("sweeps"))
    paths = [folder / f"{name}.yaml" for folder in folders if folder is not None]
    text = next((path.read_text("utf-8") for path in paths if path.is_file()), None)
    return text is not None and not any(
        group in words for group in groups for words in (text, *overrides)
    )


def _is_open(lab: Lab, sweep: str) -> bool:
    """Return whether a sweep has no plan yet, or its last trial has no result."""
    plan = read_plan(lab.sweep_folder(sweep))
    return plan is None or not plan.cells or lab.finished(plan.cells[-1].key) is None

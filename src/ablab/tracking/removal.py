"""Removal of trials from a lab: of those that nothing needs, unless it is forced."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack

from filelock import FileLock, Timeout

from ablab.errors import InputError
from ablab.tracking.files import mark
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.usage import Usage

_LOCKS = (".claim", ".lock")  # of a trial: held while a run is opened or created


def unneeded(lab: Lab, usage: Usage) -> list[str]:
    """Return the trials that no plan needs and no process uses."""
    return [k for k in usage.trials if not _needs(usage, k) and not _use(lab, k)]


def removal_faults(lab: Lab, usage: Usage, keys: Sequence[str], *, force: bool) -> list[str]:
    """Return why trials cannot be removed, one fault per reason.

    Args:
        lab: with the trials.
        usage: of the lab.
        keys: of the trials.
        force: whether trials that plans need may be removed; one in use never may.
    """
    faults = [
        f"key must be a trial that no process uses, got {key}, {use}"
        for key in keys
        if (use := _use(lab, key))
    ]
    if force:
        return faults
    faults += [
        f"key must be a trial that no plan needs, got {key}, {need}; --force removes it"
        for key in keys
        if (need := _needs(usage, key))
    ]
    return faults + [
        f"plans must be intact, to know which trials they need, got: {message}"
        for message in usage.damaged.values()
    ]


def remove_trials(lab: Lab, keys: Sequence[str]) -> dict[str, str]:
    """Remove trials, and return why some are left, by key: meanwhile a process uses them."""
    left = {}
    for key in keys:
        try:
            remove_trial(lab, key)
        except InputError as error:
            left[key] = str(error)
    return left


def remove_trial(lab: Lab, key: str) -> None:
    """Remove a trial with all its runs; MLflow's store is left as it is.

    The folder is renamed first, so that a kill leaves the whole trial or none of it.

    Raises:
        InputError: a process uses it.
    """
    folder, aside = lab.root / "trials" / key, lab.root / f".{key}.{mark()}"
    with ExitStack() as held:
        try:
            for name in _LOCKS:
                held.enter_context(FileLock(folder / name).acquire(timeout=0))
            for run in _all_runs(lab, key):
                held.enter_context(run.lock().acquire(timeout=0))
        except Timeout:
            raise InputError(
                f"key must be a trial that no process uses, got {key}, which is being trained"
            ) from None
        folder.rename(aside)
    shutil.rmtree(aside)


def _needs(usage: Usage, key: str) -> str:
    """Return which plans need a trial, and for what; empty if none does."""
    if sweeps := usage.sweeps.get(key):
        return f"which {', '.join(sweeps)} counts"
    users = [plan.sweep for plan in usage.plans if key in plan.initial_weights]
    return f"from whose weights trials of {', '.join(users)} start" if users else ""


def _use(lab: Lab, key: str) -> str:
    """Return what uses a trial now; empty if nothing does."""
    runs = _all_runs(lab, key)
    if any(run.is_locked() for run in runs):
        return "which is being trained"
    return "which an import adds" if any(run.is_pending for run in runs) else ""


def _all_runs(lab: Lab, key: str) -> list[Run]:
    """Return the runs of a trial, discarded and half-imported ones too."""
    folders = sorted((lab.root / "trials" / key).iterdir())
    return [Run(folder) for folder in folders if folder.name.isdigit() and folder.is_dir()]

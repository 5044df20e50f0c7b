"""The id of a sweep on disk and in MLflow: its name and the overrides that change trials."""

from collections.abc import Sequence

from ablab.config.groups import OUTSIDE_KEY
from ablab.folders import folder_name


def override_key(override: str) -> str:
    """Return the key that an override changes: ``optimizer.lr`` of ``optimizer.lr=0.1``."""
    return override.split("=", 1)[0].strip()


def sweep_id(name: str, overrides: Sequence[str] = ()) -> str:
    """Return the name of a sweep's folder and experiment.

    It depends neither on overrides that change no trial (under ``sweep``, ``devices`` and the like)
    nor on their order. Characters that a folder name cannot have are percent-encoded, and a name
    that is too long ends in a hash.

    Example:
        >>> sweep_id("activations", ["trainer.max_epochs=3", "sweep.seeds=2", "dataset=digits"])
        'activations [dataset=digits trainer.max_epochs=3]'
    """
    changes = trial_changes(overrides)
    full = f"{name} [{' '.join(changes)}]" if changes else name
    return folder_name(full)


def trial_changes(overrides: Sequence[str]) -> list[str]:
    """Return the overrides that change trials, sorted."""
    outside = (*OUTSIDE_KEY, "hydra")
    return sorted(o.strip() for o in overrides if override_key(o).split(".")[0] not in outside)

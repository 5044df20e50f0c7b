"""The switches of the probes: which are on, and whether a run has their measurements."""

from collections.abc import Mapping
from typing import Any

SWITCHES = (
    "weight_norm",
    "update_ratio",
    "gradient_norm",
    "gradient_change",
    "activations",
    "input_drift",
    "receptive_field",
    "generalization_gap",
)
NUM_IMAGES = "num_images"


def switched_on(probes: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the probes that a ``probes`` group switches on."""
    return frozenset(name for name in SWITCHES if probes.get(name))


def has_measured(trial: Mapping[str, Any], probes: Mapping[str, Any]) -> bool:
    """Return whether a run has, or will have, the measurements that are requested now.

    Args:
        trial: as the run stored it; one from before probes existed has no ``probes`` group.
        probes: the ``probes`` group that is requested now.
    """
    requested, before = switched_on(probes), trial["config"].get("probes") or {}
    if not requested:
        return True
    same_images = before.get(NUM_IMAGES) == probes.get(NUM_IMAGES)
    return same_images and requested <= switched_on(before)


def probe_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of the ``probes`` group of a configuration."""
    probes = config["probes"]
    faults = [
        f"probes.{name} must be true or false, got {probes[name]!r}"
        for name in SWITCHES
        if not isinstance(probes[name], bool)
    ]
    number = probes[NUM_IMAGES]
    if not isinstance(number, int) or isinstance(number, bool) or number < 2:
        faults.append(f"probes.num_images must be an integer >= 2, got {number!r}")
    return faults

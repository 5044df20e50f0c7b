"""Which probes are asked for, and whether a run has them."""

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
    """Return the names of the probes that a ``probes`` group asks for."""
    return frozenset(name for name in SWITCHES if probes.get(name))


def has_measured(trial: Mapping[str, Any], probes: Mapping[str, Any]) -> bool:
    """Tell whether a run holds, or will hold, what is measured now.

    Args:
        trial: as the run froze it; one from before there were probes has none.
        probes: the ``probes`` group that is asked for now.
    """
    asked, before = switched_on(probes), trial["config"].get("probes") or {}
    if not asked:
        return True
    same_images = before.get(NUM_IMAGES) == probes.get(NUM_IMAGES)
    return same_images and asked <= switched_on(before)


def probe_faults(config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the ``probes`` group of a configuration."""
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

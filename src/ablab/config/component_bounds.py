"""How large the parts of a trial may be in what is built, or repeated, one by one."""

from collections.abc import Mapping
from typing import Any

from ablab.bounds import ITERATIONS, LAYERS, PIXELS, Bound
from ablab.config.content import is_integer

# By axis and name of the hyper-parameter; of a list, its sum, or its length (`_LISTED`).
_BOUNDS: Mapping[str, Mapping[str, Bound]] = {
    "architecture": dict.fromkeys(
        ("depth", "layers", "blocks", "widths", "channels", "delays"), LAYERS
    ),
    "optimizer": dict.fromkeys(("max_iter", "ns_steps", "history_size"), ITERATIONS),
    "dataset": {"image_size": PIXELS},
    "augmentation": {"padding": PIXELS},
}
_LISTED = ("widths", "channels", "delays")  # a layer each, whatever its number says


def size_faults(config: Mapping[str, Any]) -> list[str]:
    """Return what is too large to be built or repeated; values of a wrong kind are left alone."""
    faults = []
    for axis, bounds in _BOUNDS.items():
        node = config.get(axis)
        for name, value in node.items() if isinstance(node, Mapping) else ():
            count = _count(name, value)
            if name in bounds and count is not None:
                faults += bounds[name].fault(f"{axis}.{name}", count)
    return faults


def _count(name: str, value: Any) -> int | None:
    """Return how many are asked for, None where that is no number."""
    if name in _LISTED:
        return len(value) if isinstance(value, list) else None
    if isinstance(value, list):
        return sum(value) if all(is_integer(v) for v in value) else None
    return int(value) if is_integer(value) else None

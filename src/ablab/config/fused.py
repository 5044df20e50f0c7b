"""What ``backend=fused`` supports, and which trials may train together."""

import json
from collections.abc import Mapping
from typing import Any

from ablab.config.content import value_at
from ablab.config.probe_switches import switched_on
from ablab.model.targets import current_name
from ablab.text import format_name

FUSED = "fused"
# Optimizers that treat each weight by itself, so that a network's weights may be one vector.
ELEMENTWISE = (
    "torch.optim.Adadelta",
    "torch.optim.Adagrad",
    "torch.optim.Adam",
    "torch.optim.AdamW",
    "torch.optim.Adamax",
    "torch.optim.NAdam",
    "torch.optim.RAdam",
    "torch.optim.RMSprop",
    "torch.optim.SGD",
    "ablab.components.optimizer.lion.Lion",
    "ablab.components.optimizer.schedule_free.ScheduleFree",
)
_ONLY: Mapping[str, tuple[Any, ...]] = {
    "trainer.precision": ("32-true", "64-true"),
    "devices.strategy": ("auto",),
    "devices.devices": (1,),
}
# Everything else of a configuration is the same in trials that train together. Of these groups,
# numbers may differ: each trial has an optimizer, scheduler, loss, … of its own.
_SCALARS = ("dropout", "initializer", "loss", "optimizer", "regularizer", "scheduler")
_APART = ("seed", "tracking", "launcher", "probes", "sweep")


def fused_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the values of a configuration that ``backend=fused`` does not support."""
    if value_at(config, "backend") != FUSED:
        return []
    faults = [
        f"{key} must be {' or '.join(map(format_name, allowed))} for backend=fused, "
        f"got {format_name(value)}"
        for key, allowed in _ONLY.items()
        if (value := value_at(config, key)) not in allowed
    ]
    if (frozen := value_at(config, "freeze")) is not None:
        faults.append(f"freeze must be null for backend=fused, got {frozen}")
    if value_at(config, "devices.cuda_graph"):
        faults.append("devices.cuda_graph must be false for backend=fused, got true")
    optimizer = current_name(value_at(config, "optimizer._target_"))
    if optimizer not in ELEMENTWISE:
        names = ", ".join(name.rpartition(".")[2] for name in ELEMENTWISE)
        faults.append(
            "optimizer._target_ must be one that treats each weight by itself for backend=fused "
            f"({names}), got {format_name(optimizer)}"
        )
    on = sorted(switched_on(value_at(config, "probes") or {}))
    return faults + [f"probes.{name} must be false for backend=fused, got true" for name in on]


def fused_signature(config: Mapping[str, Any]) -> str:
    """Return what trials that may train together have in common, as JSON.

    They differ in the seed, and in numbers of their optimizer, scheduler, loss, regularizer,
    initializer and dropout.
    """
    common = {
        name: _without_numbers(value) if name in _SCALARS else value
        for name, value in config.items()
        if name not in _APART
    }
    return json.dumps(common, sort_keys=True)


def _without_numbers(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {name: _without_numbers(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_without_numbers(value) for value in node]
    is_number = isinstance(node, int | float) and not isinstance(node, bool)
    return 0 if is_number else node

"""Components that are right on their own and cannot work together."""

from collections.abc import Mapping
from typing import Any

_LBFGS = "ablab.components.optimizer.lbfgs.Lbfgs"
_MAX_NORM = "ablab.components.regularizer.max_norm.MaxNorm"
_NADAM = "torch.optim.NAdam"
_SCHEDULE_FREE = "ablab.components.optimizer.schedule_free.ScheduleFree"
# LBFGS evaluates a step's cost as often as it needs to: what it sees must be one function, the
# same in all processes.
_REFUSED = (
    ("optimizer._target_", _LBFGS, "trainer.precision", lambda value: value == "16-mixed"),
    ("optimizer._target_", _LBFGS, "trainer.gradient_clip_val", lambda value: value is not None),
    ("optimizer._target_", _LBFGS, "devices.strategy", lambda value: value == "ddp"),
    # Torch reads a factor of its state back in another precision than it wrote it.
    ("optimizer._target_", _NADAM, "trainer.precision", lambda v: v in ("64-true", "bf16-true")),
    # Its parameters are a point on a line between two others, which no projection knows.
    ("regularizer._target_", _MAX_NORM, "optimizer._target_", lambda v: v == _SCHEDULE_FREE),
)


def combination_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of values that exclude each other."""
    return [
        f"{key} must not be {refused} where {other} is {found}, got {refused}"
        for key, refused, other, excludes in _REFUSED
        if _value(config, key) == refused and excludes(found := _value(config, other))
    ]


def _value(config: Mapping[str, Any], key: str) -> Any:
    group, _, name = key.partition(".")
    node = config.get(group)
    return node.get(name) if isinstance(node, Mapping) else None

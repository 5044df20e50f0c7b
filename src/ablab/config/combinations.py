"""Values that are valid on their own and exclude each other."""

from collections.abc import Mapping
from typing import Any

from ablab.config.content import value_at
from ablab.config.fused import fused_faults
from ablab.model.targets import current_name
from ablab.text import format_name

_LBFGS = "ablab.components.optimizer.lbfgs.LBFGS"
_MAX_NORM = "ablab.components.regularizer.max_norm.MaxNorm"
_NADAM = "torch.optim.NAdam"
_SCHEDULE_FREE = "ablab.components.optimizer.schedule_free.ScheduleFree"
_EXCLUSIONS = (
    # LBFGS evaluates the loss several times a step: it has to be the same function each time, in
    # all processes.
    ("optimizer._target_", _LBFGS, "trainer.precision", lambda value: value == "16-mixed"),
    ("optimizer._target_", _LBFGS, "trainer.gradient_clip_val", lambda value: value is not None),
    ("optimizer._target_", _LBFGS, "devices.strategy", lambda value: value == "ddp"),
    # Torch restores a factor of NAdam's state in another precision than it saved it in.
    ("optimizer._target_", _NADAM, "trainer.precision", lambda v: v in ("64-true", "bf16-true")),
    # The parameters of ScheduleFree interpolate between two points, which MaxNorm cannot project.
    ("regularizer._target_", _MAX_NORM, "optimizer._target_", lambda v: v == _SCHEDULE_FREE),
)
# Gradients by hand are computed in one process with numpy.
_BY_HAND = {"trainer.precision": ("32-true", "64-true"), "devices.strategy": ("auto",)}


def combination_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of values that exclude each other."""
    faults = []
    if value_at(config, "backend") == "by_hand":
        faults += [
            f"{key} must be {' or '.join(allowed)} for backend=by_hand, got {format_name(value)}"
            for key, allowed in _BY_HAND.items()
            if (value := value_at(config, key)) not in allowed
        ]
    faults += fused_faults(config)
    clips = value_at(config, "trainer.gradient_clip_val") is not None
    fused = value_at(config, "optimizer.fused")
    # A fused optimizer unscales the gradients itself, after Lightning would have clipped them.
    if fused and clips and value_at(config, "trainer.precision") == "16-mixed":
        faults.append(
            "optimizer.fused must be false where trainer.precision is 16-mixed and "
            f"trainer.gradient_clip_val is set, got {fused}"
        )
    return faults + [
        f"{key} must not be {refused} where {other} is {value}, got {refused}"
        for key, refused, other, excludes in _EXCLUSIONS
        if current_name(value_at(config, key)) == refused
        and excludes(value := value_at(config, other))
    ]

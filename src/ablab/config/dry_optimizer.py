"""Steps optimizer and scheduler on small stand-ins for a network's weights."""

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from ablab.config.dry_forward import CPU, fault_on_error
from ablab.config.preflight import device_type
from ablab.model.builder import Builder
from ablab.model.frozen_layers import trained_parameters

_STEPS = 2
_SCHEDULER_STEPS = 500  # a trial has millions
_SIDE = 2
_DTYPES = {"64-true": torch.float64, "bf16-true": torch.bfloat16}


def check_optimizer(config: Mapping[str, Any], network: nn.Module, total_steps: int) -> float:
    """Build optimizer and scheduler, step both on small weights, and restore their state.

    The stand-ins have the names, number of dimensions and precision of the network's weights, with
    at most two values along each dimension.

    Args:
        config: the trial's configuration.
        network: may be on ``meta``.
        total_steps: optimizer steps of the trial, >= 1.

    Returns:
        Values of optimizer state per value of a weight; 0 on a GPU, where no step is taken.

    Raises:
        ComponentError: one of them cannot be built.
        InputError: a step fails, or the state does not survive a checkpoint.
    """
    make = Builder("optimizer", config["optimizer"])
    optimizer = make(named_params=trained_parameters(network))
    if device_type(config) != "cpu":  # options such as `fused` may fail on the CPU
        Builder("scheduler", config["scheduler"])(optimizer=optimizer, total_steps=total_steps)
        return 0.0
    weights = _stand_ins(network, _DTYPES.get(config["trainer"]["precision"]))
    optimizer = make(named_params=weights)
    scheduler = Builder("scheduler", config["scheduler"])(
        optimizer=optimizer, total_steps=total_steps
    )
    with _fault_on_error("optimizer must take steps with these weights"):
        _step(optimizer, [weight for _, weight in weights])
    with _fault_on_error(f"scheduler must take the trial's {total_steps} steps"):
        _step_scheduler(scheduler, total_steps)
    with _fault_on_error("optimizer and scheduler must have a state of tensors and plain values"):
        file = io.BytesIO()
        torch.save([optimizer.state_dict(), scheduler.state_dict()], file)
        file.seek(0)
        state, _ = torch.load(file, weights_only=True)
        optimizer.load_state_dict(state)
    return _state_per_weight(optimizer)


def _stand_ins(network: nn.Module, dtype: torch.dtype | None) -> list[tuple[str, nn.Parameter]]:
    weights = []
    for name, weight in trained_parameters(network):
        shape = [min(side, _SIDE) for side in weight.shape]
        weights.append((name, nn.Parameter(torch.full(shape, 0.5, dtype=dtype or weight.dtype))))
    return weights


def _step(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
    """Take steps as Lightning does: with a closure that computes the gradients."""

    def cost() -> Tensor:
        for weight in weights:
            weight.grad = None
        total = torch.stack([weight.abs().square().sum().double() for weight in weights]).sum()
        torch.autograd.backward(total)
        return total

    if hasattr(optimizer, "train"):
        optimizer.train()
    for _ in range(_STEPS):
        optimizer.step(cost)  # type: ignore[arg-type]


def _step_scheduler(scheduler: LRScheduler, total_steps: int) -> None:
    """Take the first steps of a trial, and its last."""
    if isinstance(scheduler, ReduceLROnPlateau):
        for _ in range(_STEPS):
            scheduler.step(torch.ones(()))
        return
    for _ in range(min(total_steps, _SCHEDULER_STEPS)):
        scheduler.step()
    if total_steps > _SCHEDULER_STEPS:
        scheduler.last_epoch = total_steps - 1
        scheduler.step()


def _state_per_weight(optimizer: torch.optim.Optimizer) -> float:
    """Return the values of state tensors of a weight's shape per value of a weight."""
    tensors = [
        value
        for weight, state in optimizer.state.items()
        for value in (state.values() if isinstance(state, dict) else ())
        if isinstance(value, Tensor) and value.shape == weight.shape
    ]
    weights = sum(weight.numel() for group in optimizer.param_groups for weight in group["params"])
    return float(sum(value.numel() for value in tensors) / max(weights, 1))


def _fault_on_error(rule: str) -> AbstractContextManager[None]:
    return fault_on_error(f"{rule}, got {{kind}}: {{error}}", CPU)

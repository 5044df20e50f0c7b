"""Optimizer and scheduler tried on small stand-ins of a network's weights."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from ablab.config.preflight import device_type
from ablab.errors import InputError
from ablab.model.builder import Builder
from ablab.model.frozen_layers import trained_parameters

_STEPS = 2
_WALKED = 500
_SIDE = 2
_DTYPES = {"64-true": torch.float64, "bf16-true": torch.bfloat16}


def try_optimizer(config: Mapping[str, Any], network: nn.Module, total_steps: int) -> float:
    """Build optimizer and scheduler, and take both through steps on small weights.

    The stand-ins have the names, dimensions and precision of the network's weights, two values a
    dimension at the most. The state must survive a checkpoint.

    Args:
        config: the trial's configuration.
        network: whose weights; without values where it is on ``meta``.
        total_steps: optimizer steps of the trial, >= 1.

    Returns:
        How many values the optimizer keeps for each value of a weight.

    Raises:
        ComponentError: one of them cannot be built.
        InputError: one of them fails on its way.
    """
    make = Builder("optimizer", config["optimizer"])
    optimizer = make(named_params=trained_parameters(network))
    if device_type(config["devices"]) != "cpu":  # options of a GPU's kernels fail on the CPU
        Builder("scheduler", config["scheduler"])(optimizer=optimizer, total_steps=total_steps)
        return 0.0
    weights = _stand_ins(network, _DTYPES.get(config["trainer"]["precision"]))
    optimizer = make(named_params=weights)
    scheduler = Builder("scheduler", config["scheduler"])(
        optimizer=optimizer, total_steps=total_steps
    )
    with _told("optimizer must take steps with these weights"):
        _step(optimizer, [weight for _, weight in weights])
    with _told(f"scheduler must go through the trial's {total_steps} steps"):
        _walk(scheduler, total_steps)
    with _told("optimizer and scheduler must keep tensors and plain values alone for a checkpoint"):
        file = io.BytesIO()
        torch.save([optimizer.state_dict(), scheduler.state_dict()], file)
        file.seek(0)
        kept, _ = torch.load(file, weights_only=True)
        optimizer.load_state_dict(kept)
    return _state_share(optimizer)


def _stand_ins(network: nn.Module, dtype: torch.dtype | None) -> list[tuple[str, nn.Parameter]]:
    found = []
    for name, weight in trained_parameters(network):
        shape = [min(side, _SIDE) for side in weight.shape]
        found.append((name, nn.Parameter(torch.full(shape, 0.5, dtype=dtype or weight.dtype))))
    return found


def _step(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
    """Take steps as Lightning does: with a closure that makes the gradients."""

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


def _walk(scheduler: LRScheduler, total_steps: int) -> None:
    """Go through the first steps of a trial, and its last."""
    if isinstance(scheduler, ReduceLROnPlateau):
        for _ in range(_STEPS):
            scheduler.step(torch.ones(()))
        return
    for _ in range(min(total_steps, _WALKED)):
        scheduler.step()
    if total_steps > _WALKED:
        scheduler.last_epoch = total_steps - 1
        scheduler.step()


def _state_share(optimizer: torch.optim.Optimizer) -> float:
    tensors = [
        value
        for weight, state in optimizer.state.items()
        for value in (state.values() if isinstance(state, dict) else ())
        if isinstance(value, Tensor) and value.shape == weight.shape
    ]
    weights = sum(weight.numel() for group in optimizer.param_groups for weight in group["params"])
    kept = sum(value.numel() for value in tensors)
    return float(kept / max(weights, 1))


@contextmanager
def _told(rule: str) -> Iterator[None]:
    """Turn what goes wrong in the block into a fault."""
    try:
        yield
    except Exception as error:
        raise InputError(f"{rule}, got {type(error).__name__}: {error}") from error

"""The direct update of a fused optimizer equals torch's own, bit by bit."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from ablab.training.direct_update import DirectUpdate

OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "adam": lambda p: Adam(p, lr=0.01, fused=True),
    "amsgrad": lambda p: Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1, fused=True),
    "maximize": lambda p: Adam(p, lr=0.01, maximize=True, fused=True),
    "adamw": lambda p: AdamW(p, lr=0.01, betas=(0.8, 0.9), weight_decay=0.1, fused=True),
    "sgd": lambda p: SGD(p, lr=0.01, fused=True),
    "momentum": lambda p: SGD(p, lr=0.01, momentum=0.9, dampening=0.1, fused=True),
    "nesterov": lambda p: SGD(p, lr=0.01, momentum=0.9, nesterov=True, fused=True),
}


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(180, 3)
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _groups(network: nn.Module) -> list[dict[str, Any]]:
    """Return two groups of weights, with learning rates of their own."""
    first, *others = network.parameters()
    return [{"params": [first], "lr": 0.02}, {"params": others}]


def _compute_gradients(network: nn.Module, step: int) -> None:
    for weight in network.parameters():
        weight.grad = None
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step))
    torch.autograd.backward(network(x).square().mean())


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_weights_and_state_equal_those_of_torch(make: Callable[[Any], Optimizer]) -> None:
    network = _network()
    optimizer = make(_groups(network))
    _compute_gradients(network, 0)
    optimizer.step()
    other = copy.deepcopy(network)
    twin = make(_groups(other))
    twin.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    update = DirectUpdate.of(optimizer)
    assert update is not None
    for step in range(1, 5):
        for group in (*optimizer.param_groups, *twin.param_groups):
            group["lr"] /= step  # as a scheduler does
        for weights in (network, other):
            _compute_gradients(weights, step)
        assert update.step()
        twin.step()
    for p, q in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)
    ours, theirs = optimizer.state_dict()["state"], twin.state_dict()["state"]
    assert ours.keys() == theirs.keys()
    for key, state in ours.items():
        assert state.keys() == theirs[key].keys()
        assert all(torch.equal(value, theirs[key][name]) for name, value in state.items())


def test_a_weight_without_gradient_leaves_the_step_to_torch() -> None:
    network = _network()
    optimizer = OPTIMIZERS["adam"](network.parameters())
    _compute_gradients(network, 0)
    optimizer.step()
    update = DirectUpdate.of(optimizer)
    assert update is not None
    before = copy.deepcopy(network.state_dict())
    next(network.parameters()).grad = None
    assert not update.step()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class _OwnAdam(Adam):
    """A user's variant."""


def _with_hook(optimizer: Optimizer) -> Optimizer:
    optimizer.register_step_post_hook(lambda *_: None)
    return optimizer


@pytest.mark.parametrize(
    "make",
    [
        lambda p: Adam(p, fused=False),
        lambda p: _OwnAdam(p, fused=True),
        RMSprop,
        lambda p: _with_hook(Adam(p, fused=True)),
    ],
    ids=["not_fused", "subclass", "other", "hook"],
)
def test_other_optimizers_take_their_steps_themselves(make: Callable[[Any], Optimizer]) -> None:
    network = _network()
    optimizer = make(network.parameters())
    _compute_gradients(network, 0)
    optimizer.step()
    assert DirectUpdate.of(optimizer) is None


def test_the_first_step_is_torchs_own() -> None:
    optimizer = OPTIMIZERS["momentum"](_network().parameters())
    assert DirectUpdate.of(optimizer) is None
    assert not optimizer.state

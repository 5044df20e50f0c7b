"""The contract of every optimizer, and the update rules that the YAMLs stand for."""

import pytest
import torch
import yaml
from contract import build, yaml_file
from torch import Tensor, nn

CURVATURE = torch.tensor([1.0, 5.0], dtype=torch.float64)
START = torch.tensor([3.0, -2.0], dtype=torch.float64)
FIRST_STEPS = {
    # theta after one step of each rule from START, whose gradient is g
    "sgd": lambda g: START - 0.1 * g,
    "momentum": lambda g: START - 0.05 * g,
    "adagrad": lambda g: START - 0.01 * g.sign(),
    "adadelta": lambda g: START - g * (1e-6 / (0.1 * g**2 + 1e-6)) ** 0.5,
    "adam": lambda g: START - 0.001 * g.sign(),
}


def quadratic(theta: Tensor) -> Tensor:
    return (CURVATURE * theta.square()).sum() / 2


def descend(name: str, steps: int, **options: object) -> Tensor:
    theta = nn.Parameter(START.clone())
    optimizer = build("optimizer", name, named_params=[("theta", theta)], **options)
    for _ in range(steps):
        optimizer.zero_grad()
        quadratic(theta).backward()
        optimizer.step()
    return theta.detach()


def test_quadratic_is_lowered(optimizer: str) -> None:
    values = [quadratic(descend(optimizer, steps)).item() for steps in (0, 10, 100)]
    assert values[2] < values[1] < values[0]


def test_lr_and_weight_decay_are_explicit(optimizer: str) -> None:
    hyper = yaml.safe_load(yaml_file("optimizer", optimizer).read_text())
    assert hyper["lr"] > 0
    assert hyper["weight_decay"] == 0.0


def test_parameters_without_gradient_stay(optimizer: str) -> None:
    theta, idle = nn.Parameter(START.clone()), nn.Parameter(START.clone())
    named = [("theta", theta), ("idle", idle)]
    chosen = build("optimizer", optimizer, named_params=named)
    quadratic(theta).backward()
    chosen.step()
    assert idle.equal(START)
    assert not theta.equal(START)


def test_state_can_be_carried_over(optimizer: str) -> None:
    theta = nn.Parameter(START.clone())
    chosen = build("optimizer", optimizer, named_params=[("theta", theta)])
    for _ in range(5):
        fresh = build("optimizer", optimizer, named_params=[("theta", theta)])
        fresh.load_state_dict(chosen.state_dict())
        fresh.zero_grad()
        quadratic(theta).backward()
        fresh.step()
        chosen = fresh
    assert theta.detach().equal(descend(optimizer, 5))


@pytest.mark.parametrize("name", FIRST_STEPS)
def test_first_step_follows_the_rule(name: str) -> None:
    expected = FIRST_STEPS[name](CURVATURE * START)
    assert torch.allclose(descend(name, 1), expected, rtol=0, atol=1e-9)


def test_momentum_carries_the_velocity_on() -> None:
    first = CURVATURE * START
    middle = START - 0.05 * first
    expected = middle - 0.05 * (0.9 * first + CURVATURE * middle)
    assert torch.allclose(descend("momentum", 2), expected, rtol=0, atol=1e-12)


def test_adam_corrects_its_bias() -> None:
    first = CURVATURE * START
    middle = START - 0.001 * first / (first.abs() + 1e-8)
    second = CURVATURE * middle
    mean = (0.9 * 0.1 * first + 0.1 * second) / (1 - 0.9**2)
    square = (0.999 * 0.001 * first**2 + 0.001 * second**2) / (1 - 0.999**2)
    expected = middle - 0.001 * mean / (square.sqrt() + 1e-8)
    assert torch.allclose(descend("adam", 2), expected, rtol=0, atol=1e-12)

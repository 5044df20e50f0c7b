"""The contract of every optimizer, and the update rules that the YAMLs stand for."""

import inspect
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from contract import build, names, resolve, yaml_file
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ablab.components.optimizer.newton_schulz import orthogonalize

CURVATURE = torch.tensor([1.0, 5.0], dtype=torch.float64)
START = torch.tensor([3.0, -2.0], dtype=torch.float64)
NADAM = [0.9 * (1 - 0.5 * 0.96 ** (0.004 * step)) for step in (1, 2)]
FIRST_STEPS = {
    # theta after one step of each rule from START, whose gradient is g
    "sgd": lambda g: START - 0.1 * g,
    "momentum": lambda g: START - 0.05 * g,
    "adagrad": lambda g: START - 0.01 * g.sign(),
    "adadelta": lambda g: START - g * (1e-6 / (0.1 * g**2 + 1e-6)) ** 0.5,
    "adam": lambda g: START - 0.001 * g.sign(),
    "nesterov": lambda g: START - 0.05 * (g + 0.9 * g),
    "rmsprop": lambda g: START - 0.001 * g / (0.01 * g**2).sqrt(),
    "adamw": lambda g: START * (1 - 0.001 * 0.01) - 0.001 * g.sign(),
    "nadam": lambda g: START - 0.002 * g.sign() * (1 + 0.1 * NADAM[1] / (1 - NADAM[0] * NADAM[1])),
    "radam": lambda g: START - 0.001 * g,  # too few steps to tell the variance
    "adamax": lambda g: START - 0.002 * g.sign(),
    "lbfgs": torch.zeros_like,  # the minimum
    "lion": lambda g: START - 0.0001 * g.sign(),
    "muon": lambda g: START - 0.001 * g.sign(),  # no matrix: AdamW
    "schedule_free": lambda g: START - 0.0025 * g.sign(),
}


def quadratic(theta: Tensor) -> Tensor:
    return (CURVATURE * theta.square()).sum() / 2


def descend(name: str, steps: int, dtype: torch.dtype = torch.float64, **options: object) -> Tensor:
    theta = nn.Parameter(START.to(dtype).clone())
    optimizer = build("optimizer", name, named_params=[("theta", theta)], **options)
    for _ in range(steps):
        step(optimizer, theta)
    return theta.detach()


def step(optimizer: torch.optim.Optimizer, theta: Tensor) -> None:
    """Take a step on the quadratic, as Lightning does: with a closure."""

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = quadratic(theta)
        value.backward()
        return value

    optimizer.step(closure)


def test_quadratic_is_lowered(optimizer: str) -> None:
    values = [quadratic(descend(optimizer, steps)).item() for steps in (0, 10, 100)]
    assert values[1] < values[0]
    assert values[2] < values[1] or values[2] < 1e-12


def test_lr_and_weight_decay_are_explicit(optimizer: str) -> None:
    hyper = yaml.safe_load(yaml_file("optimizer", optimizer).read_text())
    assert hyper["lr"] > 0
    if "weight_decay" in inspect.signature(resolve(hyper["_target_"])).parameters:
        # AdamW's is what sets it apart from Adam
        assert hyper["weight_decay"] == (0.01 if optimizer == "adamw" else 0.0)


def test_parameters_without_gradient_do_not_change(optimizer: str) -> None:
    theta, idle = nn.Parameter(START.clone()), nn.Parameter(START.clone())
    named = [("theta", theta), ("idle", idle)]
    chosen = build("optimizer", optimizer, named_params=named)
    step(chosen, theta)
    assert idle.equal(START)
    assert not theta.equal(START)


def test_state_can_be_saved_and_loaded(optimizer: str) -> None:
    theta = nn.Parameter(START.float())
    chosen = build("optimizer", optimizer, named_params=[("theta", theta)])
    for _ in range(5):
        fresh = build("optimizer", optimizer, named_params=[("theta", theta)])
        fresh.load_state_dict(chosen.state_dict())
        step(fresh, theta)
        chosen = fresh
    assert theta.detach().equal(descend(optimizer, 5, torch.float32))


def test_state_is_loaded_with_weights_only(optimizer: str, tmp_path) -> None:
    theta = nn.Parameter(START.clone())
    chosen = build("optimizer", optimizer, named_params=[("theta", theta)])
    step(chosen, theta)
    torch.save(chosen.state_dict(), tmp_path / "state")
    torch.load(tmp_path / "state", weights_only=True)


def test_every_optimizer_is_compared_with_its_rule() -> None:
    assert FIRST_STEPS.keys() == set(names("optimizer"))


@pytest.mark.parametrize("name", FIRST_STEPS)
def test_first_step_follows_the_rule(name: str) -> None:
    expected = FIRST_STEPS[name](CURVATURE * START)
    tolerance = 1e-5 if name == "lbfgs" else 1e-7  # where its own tolerances let it stop
    assert torch.allclose(descend(name, 1), expected, rtol=0, atol=tolerance)


def test_momentum_accumulates_velocity() -> None:
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


def gradients(steps: int, shape: tuple[int, ...], seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(steps)]


def follow(optimizer: torch.optim.Optimizer, theta: Tensor, given_gradients: list[Tensor]) -> None:
    for gradient in given_gradients:
        theta.grad = gradient.clone()
        optimizer.step()


@settings(deadline=None, max_examples=20, derandomize=True)
@given(seed=st.integers(0, 99), weight_decay=st.sampled_from([0.0, 0.1]))
def test_lion_follows_the_papers_algorithm(seed: int, weight_decay: float) -> None:
    theta = nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
    options = {"lr": 0.01, "betas": [0.8, 0.95], "weight_decay": weight_decay}
    steps = gradients(5, (3, 2), seed)
    follow(build("optimizer", "lion", named_params=[("w", theta)], **options), theta, steps)
    x, m = np.ones((3, 2)), np.zeros((3, 2))
    for g in map(np.asarray, steps):
        x = x - 0.01 * (np.sign(0.8 * m + 0.2 * g) + weight_decay * x)
        m = 0.95 * m + 0.05 * g
    np.testing.assert_allclose(theta.detach().numpy(), x, rtol=1e-12)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    seed=st.integers(0, 99),
    weight_decay=st.sampled_from([0.0, 0.1]),
    warmup=st.sampled_from([0, 3]),
)
def test_schedule_free_follows_the_papers_algorithm(
    seed: int, weight_decay: float, warmup: int
) -> None:
    theta = nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
    options = {"lr": 0.1, "weight_decay": weight_decay, "warmup_steps": warmup}
    optimizer = build("optimizer", "schedule_free", named_params=[("w", theta)], **options)
    steps = gradients(6, (3, 2), seed)
    follow(optimizer, theta, steps)
    x = z = y = np.ones((3, 2))
    v, total = np.zeros((3, 2)), 0.0
    for t, g in enumerate(map(np.asarray, steps), start=1):
        lr = 0.1 * min(1, t / max(1, warmup))
        v = 0.999 * v + 0.001 * g**2
        z = z - lr * (g / (np.sqrt(v / (1 - 0.999**t)) + 1e-8) + weight_decay * y)
        total += lr**2
        x = x + lr**2 / total * (z - x)
        y = 0.1 * z + 0.9 * x
    np.testing.assert_allclose(theta.detach().numpy(), y, rtol=1e-9)
    optimizer.eval()
    np.testing.assert_allclose(theta.detach().numpy(), x, rtol=1e-9)


def test_schedule_free_switches_modes_only_once() -> None:
    theta = nn.Parameter(START.clone())
    optimizer = build("optimizer", "schedule_free", named_params=[("theta", theta)])
    for _ in range(5):
        step(optimizer, theta)
    y = theta.detach().clone()
    optimizer.train()
    assert theta.equal(y)
    optimizer.eval()
    x = theta.detach().clone()
    assert not x.equal(y)
    optimizer.eval()
    assert theta.equal(x)
    optimizer.train()
    assert torch.allclose(theta, y, rtol=1e-12)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(rows=st.integers(1, 7), columns=st.integers(1, 7), seed=st.integers(0, 99))
def test_orthogonalize_keeps_singular_vectors(rows: int, columns: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    s = s / np.linalg.norm(matrix)
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    found = orthogonalize(torch.from_numpy(matrix), 5)
    np.testing.assert_allclose(found.numpy(), (u * s) @ vt, atol=1e-9)


def test_every_optimizer_moves_channels_last_kernels_as_contiguous_ones(optimizer: str) -> None:
    kernels = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        kernel = nn.Parameter(torch.randn(4, 3, 2, 2).contiguous(memory_format=layout))
        goal = torch.randn(4, 3, 2, 2)
        chosen = build("optimizer", optimizer, named_params=[("weight", kernel)])

        def closure(kernel=kernel, goal=goal, chosen=chosen) -> Tensor:
            chosen.zero_grad()
            value = (kernel - goal).square().sum()
            value.backward()
            return value

        for _ in range(3):
            chosen.step(closure)
        assert kernel.is_contiguous(memory_format=layout)
        kernels.append(kernel.detach())
    assert torch.allclose(*kernels, atol=1e-5)


def test_lbfgs_is_torchs() -> None:
    ours, theirs = (nn.Parameter(START.clone()) for _ in range(2))
    options: dict[str, Any] = {"max_iter": 3, "line_search_fn": None, "lr": 0.1}
    chosen = build("optimizer", "lbfgs", named_params=[("theta", ours)], **options)
    torchs = torch.optim.LBFGS([theirs], history_size=10, **options)
    for _ in range(3):
        step(chosen, ours)
        step(torchs, theirs)
        assert ours.equal(theirs)


@pytest.mark.parametrize("shape", [(6, 4), (3, 8)])
@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_moves_matrices_as_torchs_which_rounds_to_bfloat16(shape, nesterov: bool) -> None:
    ours, theirs = (nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for _ in range(2))
    steps = gradients(3, shape, seed=0)
    options: dict[str, Any] = {"lr": 0.1, "momentum": 0.9, "nesterov": nesterov}
    follow(build("optimizer", "muon", named_params=[("w", ours)], **options), ours, steps)
    follow(torch.optim.Muon([theirs], weight_decay=0.0, **options), theirs, steps)
    assert (ours - theirs).norm() < 0.03 * theirs.norm()


def test_muon_flattens_kernels_and_leaves_other_parameters_to_adamw() -> None:
    kernel = nn.Parameter(torch.zeros(6, 2, 3, 3, dtype=torch.float64))
    matrix = nn.Parameter(torch.zeros(6, 18, dtype=torch.float64))
    bias, twin = (nn.Parameter(torch.ones(6, dtype=torch.float64)) for _ in range(2))
    named = [("kernel", kernel), ("bias", bias), ("matrix", matrix)]
    muon = build("optimizer", "muon", named_params=named, weight_decay=0.1)
    adamw = torch.optim.AdamW([twin], lr=0.001, weight_decay=0.1)
    for gradient, slope in zip(gradients(4, (6, 18), 0), gradients(4, (6,), 1), strict=True):
        kernel.grad, matrix.grad = gradient.view(kernel.shape).clone(), gradient.clone()
        bias.grad, twin.grad = slope.clone(), slope.clone()
        muon.step()
        adamw.step()
    assert torch.allclose(kernel.flatten(1), matrix, rtol=1e-12)
    assert torch.allclose(bias, twin, rtol=1e-12)


def test_muon_lowers_the_distance_to_a_matrix() -> None:
    goal = gradients(1, (5, 3), 0)[0]
    theta = nn.Parameter(torch.zeros(5, 3, dtype=torch.float64))
    muon = build("optimizer", "muon", named_params=[("w", theta)], lr=0.1)
    for _ in range(60):
        theta.grad = theta.detach() - goal
        muon.step()
    assert (theta - goal).norm() < 0.2 * goal.norm()


@pytest.mark.parametrize(
    ("name", "option", "value", "rule"),
    [
        ("lion", "lr", 0.0, "a number > 0"),
        ("lion", "betas", [0.9], r"two numbers in \[0, 1\)"),
        ("muon", "momentum", 1.0, r"a number in \[0, 1\)"),
        ("muon", "ns_steps", 0, "an integer >= 1"),
        ("muon", "adamw_lr", -1.0, "a number > 0"),
        ("schedule_free", "eps", 0.0, "a number > 0"),
        ("schedule_free", "weight_decay", -0.1, "a number >= 0"),
        ("schedule_free", "warmup_steps", -1, "an integer >= 0"),
    ],
)
def test_values_out_of_range_are_refused(name: str, option: str, value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got "):
        build("optimizer", name, named_params=[("w", nn.Parameter(START))], **{option: value})

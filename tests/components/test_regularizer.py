"""The contract of every regularizer, and their closed forms."""

import numpy as np
import pytest
import torch
from contract import build
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from torch import nn

SHAPES = array_shapes(min_dims=2, max_dims=4, max_side=5)


def network() -> nn.Sequential:
    """Return a network with every kind of parameter: kernels, biases, scales, slopes."""
    torch.manual_seed(0)
    layers = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.PReLU(3), nn.Flatten(), nn.Linear(3, 4)
    return nn.Sequential(*layers).double()


def regularized(name: str, module: nn.Module, **options: float):
    return build("regularizer", name, named_params=module.named_parameters(), **options)


def test_weights_are_kernels_and_matrices_alone(regularizer: str) -> None:
    module = network()
    weights = regularized(regularizer, module).weights
    assert [id(w) for w in weights] == [id(module[0].weight), id(module[4].weight)]


def test_frozen_weights_and_matrix_biases_are_excluded(regularizer: str) -> None:
    module = network()
    module[0].weight.requires_grad_(False)
    module[4].register_parameter("bias", nn.Parameter(torch.ones(2, 2)))
    assert [id(w) for w in regularized(regularizer, module).weights] == [id(module[4].weight)]


def test_other_parameters_are_not_affected(regularizer: str) -> None:
    module = network()
    chosen = regularized(regularizer, module, **strong(regularizer))
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    if (penalty := chosen.penalty()) is not None:
        assert penalty.shape == ()
        penalty.backward()
    chosen.project()
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:
            assert parameter.grad is None
            assert parameter.equal(before[name])


def test_a_network_without_weights_works(regularizer: str) -> None:
    chosen = regularized(regularizer, nn.BatchNorm2d(3))
    assert chosen.penalty() is None
    chosen.project()


def test_none_has_no_penalty_and_moves_nothing() -> None:
    module = network()
    before = [p.detach().clone() for p in module.parameters()]
    chosen = regularized("none", module)
    chosen.project()
    assert chosen.penalty() is None
    assert all(p.equal(q) for p, q in zip(module.parameters(), before, strict=True))


@settings(deadline=None, max_examples=25, derandomize=True)
@given(shape=SHAPES, strength=st.floats(0, 10), seed=st.integers(0, 99))
def test_penalties_and_their_gradients_are_the_closed_forms(shape, strength, seed) -> None:
    values = np.random.default_rng(seed).normal(size=shape)
    expected = {
        "l2": (strength / 2 * np.sum(values**2), strength * values),
        "l1": (strength * np.abs(values).sum(), strength * np.sign(values)),
    }
    for name, (value, gradient) in expected.items():
        weight = nn.Parameter(torch.from_numpy(values))
        named = [("weight", weight), ("bias", nn.Parameter(torch.ones(3)))]
        penalty = build("regularizer", name, named_params=named, strength=strength).penalty()
        penalty.backward()
        assert penalty.item() == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(weight.grad.numpy(), gradient, rtol=1e-12)


def test_l1_does_not_move_a_zero_weight() -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    build("regularizer", "l1", named_params=[("weight", weight)]).penalty().backward()
    assert weight.grad.equal(torch.zeros(2, 2))


def test_l2_under_sgd_is_weight_decay_of_the_weights() -> None:
    ours, theirs = network(), network()
    penalty = regularized("l2", ours, strength=0.3).penalty()
    penalty.backward()
    torch.optim.SGD(ours.parameters(), lr=0.1).step()
    weights = [theirs[0].weight, theirs[4].weight]
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    torch.optim.SGD(weights, lr=0.1, weight_decay=0.3).step()
    for found, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-15)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(shape=SHAPES, max_norm=st.floats(0.1, 5), seed=st.integers(0, 99))
def test_max_norm_is_the_nearest_point_within_the_limit(shape, max_norm, seed) -> None:
    before = np.random.default_rng(seed).normal(size=shape)
    weight = nn.Parameter(torch.from_numpy(before.copy()))
    named = [("weight", weight)]
    build("regularizer", "max_norm", named_params=named, max_norm=max_norm).project()
    for unit, old in zip(weight.detach().numpy(), before, strict=True):
        length = np.linalg.norm(old)
        expected = old if length <= max_norm else old * max_norm / length
        np.testing.assert_allclose(unit, expected, rtol=1e-12)


def test_max_norm_keeps_short_weights_and_the_layout() -> None:
    weight = nn.Parameter(torch.rand(4, 3, 5, 5).contiguous(memory_format=torch.channels_last))
    before = weight.detach().clone()
    build("regularizer", "max_norm", named_params=[("w", weight)], max_norm=100.0).project()
    assert weight.equal(before)
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("name", "option", "value", "rule"),
    [
        ("l2", "strength", -0.1, ">= 0"),
        ("l1", "strength", float("nan"), ">= 0"),
        ("max_norm", "max_norm", 0.0, "> 0"),
    ],
)
def test_values_out_of_range_are_refused(name: str, option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        regularized(name, network(), **{option: value})


def strong(name: str) -> dict[str, float]:
    """Return options at which a regularizer does something."""
    return {"l1": {"strength": 1.0}, "l2": {"strength": 1.0}, "max_norm": {"max_norm": 0.1}}.get(
        name, {}
    )

"""The contract of every activation, and the closed form of each."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from contract import build, names
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from torch import nn

SHAPES = [(4, 6), (4, 6, 5), (4, 6, 5, 5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_dtype_are_kept(
    activation: str, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    module = build("activation", activation, channels=6).to(dtype)
    out = module(torch.randn(shape, dtype=dtype))
    assert out.shape == shape
    assert out.dtype == dtype


@pytest.mark.parametrize("value", [-100.0, -1.0, 0.0, 1.0, 100.0])
def test_gradient_is_finite(activation: str, value: float) -> None:
    x = torch.full((2, 3, 2, 2), value, requires_grad=True)
    build("activation", activation, channels=3)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_gradient_is_the_derivative(activation: str) -> None:
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(build("activation", activation, channels=3).double(), x)


def test_channels_last_gives_the_same(activation: str) -> None:
    module = build("activation", activation, channels=6)
    x = torch.randn(4, 6, 5, 5)
    out = module(x.to(memory_format=torch.channels_last))
    # torch's softmax over the channels copies: it returns what is contiguous
    assert activation == "softmax" or out.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(out, module(x), atol=1e-6)


def test_bfloat16_autocast_trains(activation: str) -> None:
    module = nn.Sequential(nn.Conv2d(3, 6, 3), build("activation", activation, channels=6))
    with torch.autocast("cpu", torch.bfloat16):
        out = module(torch.randn(2, 3, 8, 8))
    out.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_input_is_not_changed(activation: str) -> None:
    x = torch.randn(4, 6)
    before = x.clone()
    build("activation", activation, channels=6)(x)
    assert x.equal(before)


def test_prelu_learns_one_slope_a_channel() -> None:
    (slopes,) = build("activation", "prelu", channels=6).parameters()
    assert slopes.tolist() == [0.25] * 6


# of float64, with the YAML's hyper-parameters; none of them through torch
CLOSED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: x * special.ndtr(x),
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "identity": lambda x: x,
    "leaky_relu": lambda x: np.maximum(0.01 * x, x),
    "matched_sigmoid": lambda x: special.expit(4 * x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "prelu": lambda x: np.maximum(0.25 * x, x),
    "relu": lambda x: np.maximum(x, 0),
    "scaled_tanh": lambda x: 1.7159 * np.tanh(2 * x / 3),
    "selu": lambda x: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "shifted_tanh": lambda x: 2 * special.expit(2 * x),
    "sigmoid": special.expit,
    "silu": lambda x: x * special.expit(x),
    "softmax": lambda x: special.softmax(x, axis=1),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "squared_relu": lambda x: np.maximum(x, 0) ** 2,
    "tanh": np.tanh,
}


def test_every_activation_has_a_closed_form() -> None:
    assert CLOSED.keys() >= set(names("activation"))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(shape=st.lists(st.integers(1, 5), min_size=2, max_size=4), scale=st.sampled_from([1.0, 6.0]))
def test_values_equal_the_closed_form(activation: str, shape: list[int], scale: float) -> None:
    x = scale * torch.randn(shape, dtype=torch.float64)
    out = build("activation", activation, channels=shape[1]).double()(x)
    assert np.allclose(out.detach().numpy(), CLOSED[activation](x.numpy()), rtol=1e-8, atol=1e-8)


def slope(activation: str, x: torch.Tensor, **options: float) -> torch.Tensor:
    x = x.clone().requires_grad_()
    build("activation", activation, channels=1, **options)(x).sum().backward()
    assert x.grad is not None
    return x.grad


def test_scaled_tanh_maps_one_to_one_with_the_largest_curvature() -> None:
    x = torch.linspace(0.5, 1.5, 1001, dtype=torch.float64)
    module = build("activation", "scaled_tanh", channels=1)
    assert module(torch.ones(1)).item() == pytest.approx(1, abs=1e-4)
    curvature = slope("scaled_tanh", x).diff().abs()
    assert x[curvature.argmax()].item() == pytest.approx(1, abs=0.02)


def test_shifted_tanh_differs_from_tanh_in_its_offset_alone() -> None:
    x = torch.randn(100, dtype=torch.float64)
    assert torch.allclose(slope("shifted_tanh", x), slope("tanh", x), atol=1e-12)
    assert build("activation", "shifted_tanh", channels=1)(torch.zeros(1)).item() == 1


def test_matched_sigmoid_has_the_slope_of_tanh_at_zero() -> None:
    zero = torch.zeros(1)
    assert slope("matched_sigmoid", zero).equal(slope("tanh", zero))
    assert slope("matched_sigmoid", zero, slope=0.25).equal(slope("sigmoid", zero))


@pytest.mark.parametrize(
    ("name", "option"),
    [("scaled_tanh", "amplitude"), ("scaled_tanh", "slope"), ("matched_sigmoid", "slope")],
)
def test_scale_that_is_not_positive_is_refused(name: str, option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be > 0, got -1.0"):
        build("activation", name, channels=1, **{option: -1.0})

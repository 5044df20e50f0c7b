"""The contract of every activation."""

import pytest
import torch
from contract import build
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
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(out, module(x))


def test_bfloat16_autocast_trains(activation: str) -> None:
    module = nn.Sequential(nn.Conv2d(3, 6, 3), build("activation", activation, channels=6))
    with torch.autocast("cpu", torch.bfloat16):
        out = module(torch.randn(2, 3, 8, 8))
    out.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_input_is_left_alone(activation: str) -> None:
    x = torch.randn(4, 6)
    before = x.clone()
    build("activation", activation, channels=6)(x)
    assert x.equal(before)


def test_prelu_learns_one_slope_a_channel() -> None:
    (slopes,) = build("activation", "prelu", channels=6).parameters()
    assert slopes.tolist() == [0.25] * 6

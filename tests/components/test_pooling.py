"""The contract of every pooling, and the closed forms of Lp pooling."""

import pytest
import torch
import torch.nn.functional as F
from contract import build
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

WINDOW = {"channels": 3, "kernel_size": 2, "stride": 2, "padding": 0}


def expected_size(size: int, kernel_size: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel_size) // stride + 1


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_shape_follows_the_formula(pooling: str, data: st.DataObject) -> None:
    kernel_size = data.draw(st.integers(1, 4))
    stride = data.draw(st.integers(1, 4))
    padding = data.draw(st.integers(0, kernel_size // 2))
    height, width = data.draw(st.tuples(st.integers(4, 12), st.integers(4, 12)))
    module = build(
        "pooling", pooling, channels=3, kernel_size=kernel_size, stride=stride, padding=padding
    )
    shape = module(torch.randn(2, 3, height, width)).shape
    sizes = tuple(expected_size(n, kernel_size, stride, padding) for n in (height, width))
    assert shape == ((2, 3, height, width) if pooling == "none" else (2, 3, *sizes))


@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (2, 1, 0)])
def test_gradient_is_the_derivative(pooling: str, window: tuple[int, int, int]) -> None:
    kernel_size, stride, padding = window
    module = build(
        "pooling", pooling, channels=2, kernel_size=kernel_size, stride=stride, padding=padding
    ).double()
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, x)


def test_gradient_is_finite_at_zero(pooling: str) -> None:
    x = torch.zeros(2, 3, 4, 4, requires_grad=True)
    build("pooling", pooling, **WINDOW)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_channels_last_gives_the_same(pooling: str) -> None:
    module = build("pooling", pooling, **WINDOW)
    x = torch.randn(4, 3, 6, 6)
    assert torch.allclose(module(x.to(memory_format=torch.channels_last)), module(x))


def test_bfloat16_autocast_trains(pooling: str) -> None:
    conv = nn.Conv2d(1, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        out = build("pooling", pooling, **WINDOW)(conv(torch.randn(2, 1, 8, 8)))
    out.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in conv.parameters())


def test_channels_do_not_mix(pooling: str) -> None:
    module = build("pooling", pooling, **WINDOW)
    x = torch.rand(1, 3, 4, 4)
    changed = x.clone()
    changed[:, 0] += 1
    assert module(x)[:, 1:].equal(module(changed)[:, 1:])


def test_mean_leaves_the_border_out() -> None:
    module = build("pooling", "mean", channels=1, kernel_size=3, stride=2, padding=1)
    assert module(torch.ones(1, 1, 4, 4)).equal(torch.ones(1, 1, 2, 2))


def lp(x: Tensor, **options: object) -> Tensor:
    out: Tensor = build("pooling", "lp", **(WINDOW | options))(x)
    return out


def test_lp_of_one_is_the_mean_magnitude() -> None:
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    assert torch.allclose(lp(x, p=1.0), F.avg_pool2d(x.abs(), 2))


def test_lp_of_two_is_the_root_mean_square() -> None:
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    assert torch.allclose(lp(x, p=2.0), F.avg_pool2d(x.square(), 2).sqrt())


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, 8.0])
def test_lp_sum_is_torchs_norm_on_positive_input(p: float) -> None:
    x = torch.rand(2, 3, 6, 6, dtype=torch.float64)
    assert torch.allclose(lp(x, p=p, form="sum"), F.lp_pool2d(x, p, 2))


@pytest.mark.parametrize("p", [16.0, 256.0, 4096.0])
def test_lp_approaches_the_maximum_within_its_bound(p: float) -> None:
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64) * 1e3
    maximum = F.max_pool2d(x.abs(), 2)
    out = lp(x, p=p)
    assert (out <= maximum * (1 + 1e-12)).all()
    assert (out >= maximum * 4 ** (-1 / p) * (1 - 1e-12)).all()


def test_lp_leaves_the_border_out_of_the_mean() -> None:
    x = torch.rand(2, 3, 6, 6, dtype=torch.float64)
    out = lp(x, p=1.0, kernel_size=3, padding=1)
    assert torch.allclose(out, F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, 50.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("scale", [0.0, 1e-4, 1e4])
def test_lp_gradient_is_finite_at_any_scale(p: float, dtype: torch.dtype, scale: float) -> None:
    x = (torch.randn(2, 3, 4, 4) * scale).to(dtype).requires_grad_()
    out = lp(x, p=p)
    out.sum().backward()
    assert out.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("p", [1.0, 1.5, 4.0])
@pytest.mark.parametrize("form", ["mean", "sum"])
def test_lp_gradient_is_the_derivative_on_signed_input(p: float, form: str) -> None:
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: lp(x, p=p, form=form), x)


@pytest.mark.parametrize("p", [0.5, 0.0, -1.0, float("nan"), float("inf")])
def test_lp_refuses_p_below_one(p: float) -> None:
    with pytest.raises(ValueError, match=r"p must be finite and >= 1, got"):
        lp(torch.zeros(1, 3, 2, 2), p=p)


def test_lp_refuses_an_unknown_form() -> None:
    with pytest.raises(ValueError, match=r"form must be one of mean, sum, got max"):
        lp(torch.zeros(1, 3, 2, 2), form="max")


def test_lp_refuses_a_border_wider_than_half_a_window() -> None:
    with pytest.raises(ValueError, match=r"padding must be in \[0, kernel_size / 2\], got 2"):
        lp(torch.zeros(1, 3, 2, 2), padding=2)

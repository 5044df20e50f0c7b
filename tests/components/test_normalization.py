"""The contract of every normalization, and the closed form of batch normalization."""

import pytest
import torch
from contract import build
from torch import nn

SHAPES = [(8, 6), (8, 6, 5), (8, 6, 5, 5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_shape_is_kept(normalization: str, shape: tuple[int, ...], training: bool) -> None:
    module = build("normalization", normalization, channels=6, spatial_dims=len(shape) - 2)
    out = module.train(training)(torch.randn(shape))
    assert out.shape == shape
    assert out.isfinite().all()


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_the_derivative(normalization: str, shape: tuple[int, ...]) -> None:
    shape = (4, 2, *shape[2:])
    module = build("normalization", normalization, channels=2, spatial_dims=len(shape) - 2)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module.double(), x)


def test_equal_inputs_stay_finite(normalization: str) -> None:
    x = torch.ones(8, 6, 4, 4, requires_grad=True)
    out = build("normalization", normalization, channels=6, spatial_dims=2)(x)
    out.square().sum().backward()
    assert out.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_channels_last_gives_the_same(normalization: str) -> None:
    module = build("normalization", normalization, channels=6, spatial_dims=2)
    x = torch.randn(4, 6, 5, 5)
    out = module(x.to(memory_format=torch.channels_last))
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(out, module(x), atol=1e-5)


def test_bfloat16_autocast_trains(normalization: str) -> None:
    norm = build("normalization", normalization, channels=6, spatial_dims=2)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), norm)
    with torch.autocast("cpu", torch.bfloat16):
        out = module(torch.randn(4, 3, 8, 8))
    (out.float() - 1).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_evaluation_of_an_image_ignores_the_others(normalization: str) -> None:
    module = build("normalization", normalization, channels=6, spatial_dims=2)
    x = torch.randn(8, 6, 4, 4)
    module(x)
    module.eval()
    assert torch.allclose(module(x)[:1], module(x[:1]))


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_standardises_each_channel(shape: tuple[int, ...]) -> None:
    spatial_dims = len(shape) - 2
    module = build("normalization", "batch", channels=6, spatial_dims=spatial_dims).double()
    x = torch.randn(shape, dtype=torch.float64) * 3 + 2
    axes = (0, *range(2, len(shape)))
    mean = x.mean(axes, keepdim=True)
    variance = x.var(axes, correction=0, keepdim=True)
    assert torch.allclose(module(x), (x - mean) / (variance + 1e-5).sqrt())


def test_batch_without_affine_learns_nothing() -> None:
    module = build("normalization", "batch", channels=6, spatial_dims=2, affine=False)
    assert not list(module.parameters())


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [("eps", 0.0, "> 0"), ("eps", -1.0, "> 0"), ("momentum", 1.5, r"in \[0, 1\]")],
)
def test_batch_refuses_what_is_out_of_range(option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        build("normalization", "batch", channels=6, spatial_dims=2, **{option: value})


def test_batch_refuses_three_spatial_dims() -> None:
    with pytest.raises(ValueError, match="spatial_dims must be one of 0, 1, 2, got 3"):
        build("normalization", "batch", channels=6, spatial_dims=3)

"""The contract of every pooling, and each against torch or a closed form."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from contract import build
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor, nn

WINDOW = {"channels": 3, "kernel_size": 2, "stride": 2, "padding": 0}
MIXES_CHANNELS = {"strided_conv"}


def built(name: str, **options: object) -> nn.Module:
    """Return a pooling, by default over windows of 2 that do not overlap."""
    module: nn.Module = build("pooling", name, **(WINDOW | {"generator": seeded(0)} | options))
    return module


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def expected_size(size: int, kernel_size: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel_size) // stride + 1


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_shape_follows_the_formula(pooling: str, data: st.DataObject) -> None:
    kernel_size = data.draw(st.integers(1, 4))
    stride = data.draw(st.integers(1, 4))
    padding = data.draw(st.integers(0, kernel_size // 2))
    height, width = data.draw(st.tuples(st.integers(4, 12), st.integers(4, 12)))
    module = built(pooling, kernel_size=kernel_size, stride=stride, padding=padding)
    shape = module(torch.randn(2, 3, height, width)).shape
    sizes = tuple(expected_size(n, kernel_size, stride, padding) for n in (height, width))
    assert shape == ((2, 3, height, width) if pooling == "none" else (2, 3, *sizes))


@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (2, 1, 0)])
def test_gradient_is_the_derivative(pooling: str, window: tuple[int, int, int]) -> None:
    kernel_size, stride, padding = window
    module = built(
        pooling, channels=2, kernel_size=kernel_size, stride=stride, padding=padding
    ).double()
    module.train(pooling != "stochastic")  # its draws: below
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, x)


def test_gradient_is_finite_at_zero(pooling: str) -> None:
    x = torch.zeros(2, 3, 4, 4, requires_grad=True)
    built(pooling)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_channels_last_gives_the_same(pooling: str) -> None:
    x = torch.randn(4, 3, 6, 6)
    module = built(pooling)
    expected = module(x)
    if pooling == "stochastic":
        module.generator.manual_seed(0)
    out = module(x.to(memory_format=torch.channels_last))
    assert torch.allclose(out, expected, atol=1e-6)


def test_bfloat16_autocast_trains(pooling: str) -> None:
    conv = nn.Conv2d(1, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        out = built(pooling)(conv(torch.randn(2, 1, 8, 8)))
    out.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in conv.parameters())


def test_channels_do_not_mix(pooling: str) -> None:
    module = built(pooling).eval()
    x = torch.rand(1, 3, 4, 4)
    changed = x.clone()
    changed[:, 0] += 1
    assert module(x)[:, 1:].equal(module(changed)[:, 1:]) == (pooling not in MIXES_CHANNELS)


def test_mean_excludes_the_border() -> None:
    module = build("pooling", "mean", channels=1, kernel_size=3, stride=2, padding=1)
    assert module(torch.ones(1, 1, 4, 4)).equal(torch.ones(1, 1, 2, 2))


def test_global_generator_does_not_matter(pooling: str) -> None:
    x = torch.rand(2, 3, 6, 6)
    module = built(pooling)
    outs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        if pooling == "stochastic":
            module.generator.manual_seed(0)
        outs.append(module(x))
        assert torch.get_rng_state().equal(before)
    assert outs[0].equal(outs[1])


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


def test_lp_mean_excludes_the_border() -> None:
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


def test_l2_is_the_root_of_the_sum_of_squares() -> None:
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    squares = F.avg_pool2d(x.square(), 2) * 4
    assert torch.allclose(built("l2")(x), squares.sqrt())


def test_none_keeps_every_pixel() -> None:
    x = torch.randn(2, 3, 5, 5)
    assert built("none")(x) is x


windows = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2)).filter(
    lambda window: 2 * window[2] <= window[0]
)


def unfolded(x: Tensor, kernel_size: int, stride: int, padding: int) -> Tensor:
    """Return (N, C, pixels of a window, windows), the border as zeros."""
    N, C = x.shape[:2]
    return F.unfold(x, kernel_size, 1, padding, stride).view(N, C, kernel_size**2, -1)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(window=windows)
def test_trainable_subsampling_is_a_weighted_sum_and_a_bias(window: tuple[int, int, int]) -> None:
    x = torch.randn(2, 3, 7, 6, dtype=torch.float64, requires_grad=True)
    kernel_size, stride, padding = window
    module = built(
        "trainable_subsampling", kernel_size=kernel_size, stride=stride, padding=padding
    ).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    sums = unfolded(x, *window).sum(2)
    theirs = sums * module.weight.view(1, 3, 1) + module.bias.view(1, 3, 1)
    inputs = x, module.weight, module.bias
    ours = module(x).flatten(2)
    assert torch.allclose(ours, theirs)
    factor = torch.randn_like(ours)
    gradients = [torch.autograd.grad((out * factor).sum(), inputs) for out in (ours, theirs)]
    assert all(torch.allclose(a, b) for a, b in zip(*gradients, strict=True))


def test_trainable_subsampling_starts_as_mean_pooling_with_two_parameters_a_channel() -> None:
    module = built("trainable_subsampling", channels=6)
    assert sum(parameter.numel() for parameter in module.parameters()) == 12  # S2 of LeNet-5
    x = torch.randn(2, 6, 8, 8)
    assert torch.allclose(module(x), F.avg_pool2d(x, 2), atol=1e-6)


@pytest.mark.parametrize(("depthwise", "parameters"), [(False, 4 * 9 + 3), (True, 4 * 3 + 3)])
def test_strided_conv_is_a_convolution_with_the_poolings_window(
    depthwise: bool, parameters: int
) -> None:
    module = built("strided_conv", depthwise=depthwise)
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters
    x = torch.randn(2, 3, 6, 6)
    groups = 3 if depthwise else 1
    expected = F.conv2d(x, module.weight, module.bias, stride=2, groups=groups)
    assert module(x).equal(expected)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(window=windows, share=st.floats(0, 1))
def test_mixed_lies_between_maximum_and_mean(window: tuple[int, int, int], share: float) -> None:
    kernel_size, stride, padding = window
    x = torch.randn(2, 3, 7, 6, dtype=torch.float64)
    named = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    module = built("mixed", share=share, **named).double()
    mean = F.avg_pool2d(x, *window, count_include_pad=False)
    share = module.share.item()  # as float32 holds it
    expected = share * F.max_pool2d(x, *window) + (1 - share) * mean
    assert torch.allclose(module(x), expected)


def test_mixed_learns_its_share() -> None:
    module = built("mixed")
    module(torch.rand(2, 3, 4, 4)).sum().backward()
    assert module.share.grad is not None
    assert module.share.grad.item() > 0  # more of the maximum, more of the sum


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_mixed_refuses_a_share_out_of_range(share: float) -> None:
    with pytest.raises(ValueError, match=rf"share must be in \[0, 1\], got {share}"):
        built("mixed", share=share)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(window=windows, filter_size=st.sampled_from([1, 3, 5]))
def test_blur_is_a_maximum_then_a_binomial_filter(
    window: tuple[int, int, int], filter_size: int
) -> None:
    kernel_size, stride, padding = window
    x = torch.randn(2, 3, 7, 6, dtype=torch.float64)
    named = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    ours = built("blur", filter_size=filter_size, **named).double()(x)
    taps = np.ones(1)
    for _ in range(filter_size - 1):
        taps = np.convolve(taps, [0.5, 0.5])
    highest = F.max_pool2d(x, kernel_size, 1, padding).numpy()
    for axis in (2, 3):
        highest = ndimage.convolve1d(highest, taps, axis=axis, mode="nearest")
    assert np.allclose(ours.numpy(), highest[:, :, ::stride, ::stride])


def test_blur_changes_less_under_a_shift_than_the_maximum() -> None:
    x = torch.rand(8, 3, 16, 16)
    changes = []
    for name in ("max", "blur"):
        module = built(name)
        out, shifted = module(x), module(x.roll(1, 3))
        changes.append(((out - shifted)[..., 2:-2].square().mean() / out.var()).item())
    assert changes[1] < changes[0]


def test_blur_refuses_an_even_filter() -> None:
    with pytest.raises(ValueError, match="filter_size must be odd and >= 1, got 2"):
        built("blur", filter_size=2)


def test_stochastic_draws_values_in_proportion_to_themselves() -> None:
    values, count = torch.tensor([0.0, 1.0, 3.0, 4.0]), 40_000
    out = built("stochastic", channels=1)(values.view(1, 1, 2, 2).expand(count, 1, 2, 2))
    for value in values.tolist():
        share, p = (out == value).float().mean().item(), value / 8
        assert abs(share - p) <= 5 * (p * (1 - p) / count) ** 0.5


@settings(max_examples=20, deadline=None, derandomize=True)
@given(window=windows)
def test_stochastic_in_eval_is_the_mean_under_its_probabilities(
    window: tuple[int, int, int],
) -> None:
    kernel_size, stride, padding = window
    named = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    x = torch.rand(2, 3, 7, 6, dtype=torch.float64) - 0.2
    windows = unfolded(x.relu(), *window)
    expected = windows.square().sum(2) / windows.sum(2).clamp_min(1e-300)
    assert torch.allclose(built("stochastic", **named).eval()(x).flatten(2), expected)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(window=windows)
def test_stochastic_draws_positive_values_of_its_window(window: tuple[int, int, int]) -> None:
    kernel_size, stride, padding = window
    named = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    x = torch.randn(2, 3, 7, 6)
    windows = unfolded(x.relu(), *window)
    out = built("stochastic", **named)(x).flatten(2)
    assert (windows == out[:, :, None]).any(2).all()
    assert ((out > 0) == (windows > 0).any(2)).all()


def test_stochastic_gradient_goes_to_the_drawn_values() -> None:
    x = torch.rand(2, 3, 4, 4, requires_grad=True)
    out = built("stochastic")(x)
    out.sum().backward()
    assert x.grad is not None
    assert F.avg_pool2d(x.grad, 2).eq(0.25).all()
    assert (F.avg_pool2d(x.grad * x, 2) * 4).allclose(out)


def test_stochastic_follows_its_seed() -> None:
    x = torch.rand(2, 3, 8, 8)
    first, again, other = (built("stochastic", generator=seeded(s))(x) for s in (0, 0, 1))
    assert first.equal(again)
    assert not first.equal(other)

"""The contract of every normalization, and torch or a closed form beside each."""

import pytest
import torch
import torch.nn.functional as F
from contract import build, names
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ablab.components import parts

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
def test_batch_standardizes_each_channel(shape: tuple[int, ...]) -> None:
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
def test_batch_refuses_values_out_of_range(option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        build("normalization", "batch", channels=6, spatial_dims=2, **{option: value})


def test_batch_refuses_three_spatial_dims() -> None:
    with pytest.raises(ValueError, match="spatial_dims must be one of 0, 1, 2, got 3"):
        build("normalization", "batch", channels=6, spatial_dims=3)


def images(data: st.DataObject, max_channels: int = 12) -> Tensor:
    shape = [data.draw(st.integers(2, 5)), data.draw(st.integers(2, max_channels))]
    shape += data.draw(st.lists(st.integers(2, 5), max_size=2))
    return torch.randn(shape, dtype=torch.float64) * 2 + 1


def with_scale_and_shift(name: str, x: Tensor, **options: object) -> nn.Module:
    """Return a normalization with random scale and shift."""
    module = build(
        "normalization", name, channels=x.shape[1], spatial_dims=x.dim() - 2, **options
    ).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


def same_values_and_gradients(ours: Tensor, theirs: Tensor, x: Tensor) -> None:
    assert torch.allclose(ours, theirs)
    weight = torch.randn_like(ours)
    gradients = (torch.autograd.grad((out * weight).sum(), x)[0] for out in (ours, theirs))
    assert torch.allclose(*gradients)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_layer_over_all_is_torchs_over_the_whole_image(data: st.DataObject) -> None:
    x = images(data).requires_grad_()
    module = with_scale_and_shift("layer", x)
    shape = (-1, *(1 for _ in x.shape[2:]))
    scale, shift = module.weight.view(shape), module.bias.view(shape)
    same_values_and_gradients(module(x), F.layer_norm(x, x.shape[1:]) * scale + shift, x)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_layer_over_channels_is_torchs_at_each_position(data: st.DataObject) -> None:
    x = images(data).requires_grad_()
    module = with_scale_and_shift("layer", x, over="channels")
    last = x.movedim(1, -1)
    theirs = F.layer_norm(last, (x.shape[1],), module.weight, module.bias).movedim(-1, 1)
    same_values_and_gradients(module(x), theirs, x)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data(), group_size=st.integers(2, 8))
def test_group_standardizes_neighboring_channels(data: st.DataObject, group_size: int) -> None:
    x = images(data)
    x = x[:, : x.shape[1] // 2 * 2].requires_grad_()  # even, so that a size of 2 divides
    C = x.shape[1]
    size = max(s for s in range(1, group_size + 1) if C % s == 0)
    grouped = x.reshape(len(x), C // size, -1)
    variance, mean = torch.var_mean(grouped, 2, correction=0, keepdim=True)
    theirs = ((grouped - mean) / (variance + 1e-5).sqrt()).reshape(x.shape)
    module = build(
        "normalization",
        "group",
        channels=C,
        spatial_dims=x.dim() - 2,
        group_size=group_size,
        affine=False,
    )
    same_values_and_gradients(module(x), theirs, x)


def test_group_refuses_a_single_unit_per_group() -> None:
    with pytest.raises(ValueError, match="group_size must be at least a divisor of 7 other than 1"):
        build("normalization", "group", channels=7, spatial_dims=0, group_size=4)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_instance_is_torchs(data: st.DataObject) -> None:
    x = images(data).requires_grad_()
    module = with_scale_and_shift("instance", x)
    if x.dim() == 2:
        assert module(x) is x
        return
    theirs = F.instance_norm(x, weight=module.weight, bias=module.bias)
    same_values_and_gradients(module(x), theirs, x)


def test_instance_refuses_a_map_of_one_pixel() -> None:
    module = build("normalization", "instance", channels=3, spatial_dims=2)
    with pytest.raises(ValueError, match="feature maps must have 2 pixels or more, got shape"):
        module(torch.zeros(2, 3, 1, 1))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data(), size=st.sampled_from([1, 3, 5]))
def test_local_response_is_the_formula_of_2012(data: st.DataObject, size: int) -> None:
    x = images(data).requires_grad_()
    constants = {"alpha": 0.3, "beta": 0.75, "k": 2.0}
    module = build(
        "normalization",
        "local_response",
        channels=x.shape[1],
        spatial_dims=x.dim() - 2,
        size=size,
        **constants,
    )
    if x.dim() == 2:
        assert module(x) is x
        return
    C, reach = x.shape[1], size // 2
    sums = [x[:, max(0, i - reach) : i + reach + 1].square().sum(1) for i in range(C)]
    theirs = x / (2 + 0.3 * torch.stack(sums, 1)) ** 0.75
    same_values_and_gradients(module(x), theirs, x)


@pytest.mark.parametrize("option", ["size", "alpha", "beta", "k"])
def test_local_response_refuses_values_that_are_not_positive(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be > 0, got 0"):
        build("normalization", "local_response", channels=6, spatial_dims=2, **{option: 0})


@pytest.mark.parametrize("name", ["group", "instance", "layer"])
def test_eps_of_zero_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"eps must be > 0, got 0.0"):
        build("normalization", name, channels=6, spatial_dims=2, eps=0.0)


@pytest.mark.parametrize("name", ["group", "instance", "layer"])
def test_without_affine_nothing_is_learned(name: str) -> None:
    module = build("normalization", name, channels=6, spatial_dims=2, affine=False)
    assert not list(module.parameters())


@pytest.mark.parametrize("name", [name for name in names("normalization") if name != "none"])
@pytest.mark.parametrize("spatial_dims", [0, 1, 2])
def test_placement_decides_the_order(name: str, spatial_dims: int) -> None:
    def order(placement: str) -> list[bool]:
        def normalization(channels: int, spatial_dims: int) -> nn.Module:
            contract = {"channels": channels, "spatial_dims": spatial_dims}
            return build("normalization", name, **contract, placement=placement)

        built = parts.norm_act(6, spatial_dims, lambda channels: nn.ReLU(), normalization)
        return [isinstance(module, nn.ReLU) for module in built]

    assert order("before") == [False, True]
    assert order("after") == [True, False]


def test_local_response_follows_the_activation_and_others_precede_it() -> None:
    after = {
        name
        for name in names("normalization")
        if parts.placement(build("normalization", name, channels=6, spatial_dims=2)) == "after"
    }
    assert after == {"local_response"}


def test_unknown_placement_is_refused() -> None:
    with pytest.raises(ValueError, match="placement must be one of before, after, got beside"):
        build("normalization", "batch", channels=6, spatial_dims=2, placement="beside")


@pytest.mark.parametrize(
    ("name", "options", "needed"),
    [
        ("none", {}, True),
        ("batch", {}, False),
        ("batch", {"affine": False}, False),
        ("batch", {"placement": "after"}, True),
        ("layer", {}, False),
        ("layer", {"affine": False}, True),
        ("layer", {"over": "channels"}, False),
        ("instance", {"affine": False}, False),
        ("local_response", {}, True),
        ("local_response", {"placement": "before"}, True),
    ],
)
def test_layer_has_a_bias_unless_it_is_redundant(
    name: str, options: dict[str, object], needed: bool
) -> None:
    module = build("normalization", name, channels=6, spatial_dims=2, **options)
    assert parts.needs_bias(module) == needed
    x = torch.randn(8, 6, 4, 4, dtype=torch.float64)
    shifted = x + torch.randn(6, 1, 1, dtype=torch.float64)
    centered = torch.allclose(module.double()(x), module(shifted), atol=1e-6)
    shifts = getattr(module, "bias", None) is not None
    if "placement" not in options:
        assert needed == (not centered and not shifts)

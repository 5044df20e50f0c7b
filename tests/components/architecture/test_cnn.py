"""The options of the small network against their definitions."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import Tensor, nn

from ablab.components.architecture.locally_connected import LocallyConnected2d
from ablab.components.architecture.window import PADDINGS, Window

KINDS = ["ordinary", "separable", "locally_connected", "stacked"]


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [m for m in module.modules() if isinstance(m, nn.Conv2d)]


def kinds(module: nn.Module) -> list[str]:
    """Return the layers that do something, in order."""
    leaves = [m for m in module.modules() if not list(m.children())]
    return [type(m).__name__ for m in leaves if not isinstance(m, nn.Identity)]


def first_map(image_size: int, **options: object) -> Tensor:
    """Return what the first convolution makes of an image."""
    module = weightless("cnn", image_size=image_size, channels=[4], **options)
    first = module.features[0][0]
    return first(torch.zeros(1, 1, image_size, image_size, device="meta"))


def test_it_uses_every_axis() -> None:
    assert axes_used("cnn") == {"activation", "pooling", "normalization", "dropout"}


def test_parts_are_in_the_documented_order() -> None:
    parts = Parts(normalization="batch", dropout="dropout")
    layer = ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    found = kinds(network("cnn", parts, channels=[4, 8]))
    assert found == [*layer, *layer, "Flatten", "Dropout", "Linear"]


@pytest.mark.parametrize(
    ("conv", "padding", "bottleneck", "head"),
    list(product(KINDS, ["valid", "same", "full"], ["none", "activated"], ["flatten", "average"])),
)
def test_options_can_be_combined(conv: str, padding: str, bottleneck: str, head: str) -> None:
    options = {"conv": conv, "padding": padding, "bottleneck": bottleneck, "head": head}
    module = network("cnn", image_size=20, channels=[4, 8], **options)
    assert module(torch.randn(2, 1, 20, 20)).isfinite().all()


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_maps_have_the_size_of_the_formula(kernel_size: int, stride: int, dilation: int) -> None:
    for padding, border in (("valid", 0), ("full", 2 * dilation * (kernel_size - 1))):
        options = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
        side = first_map(20, padding=padding, **options).shape[2]
        assert side == (20 + border - dilation * (kernel_size - 1) - 1) // stride + 1


@pytest.mark.parametrize("padding", ["same", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_same_keeps_the_size(padding: str, dilation: int, kernel_size: int) -> None:
    options = {"padding": padding, "dilation": dilation, "kernel_size": kernel_size}
    assert first_map(20, **options).shape[2] == 20


def test_full_correlation_is_the_gradient_of_valid() -> None:
    window = Window(3, 1, 1, "full")
    kernel = torch.randn(1, 1, 3, 3, dtype=torch.float64)
    x = torch.randn(1, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    error = torch.randn(1, 1, 4, 4, dtype=torch.float64)
    F.conv2d(x, kernel).backward(error)
    torch.testing.assert_close(F.conv2d(error, kernel.flip(2, 3), padding=window.border), x.grad)


def test_border_follows_the_padding_mode() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    for padding in ("same", "reflect", "replicate", "circular"):
        module = network("cnn", image_size=4, channels=[1], padding=padding)
        conv = module.features[0][0]
        mode = "constant" if padding == "same" else padding
        expected = F.conv2d(F.pad(x, (1,) * 4, mode), conv.weight, conv.bias)
        torch.testing.assert_close(conv(x), expected)


def test_numbers_of_weights_of_each_kind() -> None:
    def weights(conv: str, kernel_size: int) -> int:
        options = {"conv": conv, "kernel_size": kernel_size, "image_size": 8, "in_channels": 16}
        module = weightless("cnn", channels=[32], **options)
        return num_parameters(module.features)

    assert weights("ordinary", 5) == 25 * 16 * 32 + 32
    assert weights("separable", 5) == 25 * 16 + 16 + 16 * 32 + 32
    assert weights("stacked", 5) == 9 * 16 * 32 + 32 + 9 * 32 * 32 + 32
    assert weights("locally_connected", 5) == 64 * (25 * 16 * 32 + 32)


def test_only_locally_connected_weights_grow_with_the_image() -> None:
    def weights(conv: str, image_size: int) -> int:
        return num_parameters(weightless("cnn", conv=conv, image_size=image_size).features)

    assert weights("ordinary", 16) == weights("ordinary", 32)
    assert weights("locally_connected", 32) == 4 * weights("locally_connected", 16)


@pytest.mark.parametrize(("kernel_size", "count"), [(3, 1), (5, 2), (7, 3)])
@pytest.mark.parametrize("padding", PADDINGS)
def test_a_stack_has_the_receptive_field_of_one_kernel(
    kernel_size: int, count: int, padding: str
) -> None:
    parts = Parts(activation="identity", pooling="none")
    options = {"channels": [2], "kernel_size": kernel_size, "padding": padding}
    maps = {}
    for conv in ("ordinary", "stacked"):
        module = network("cnn", parts, image_size=17, conv=conv, **options).double()
        x = torch.randn(1, 1, 17, 17, dtype=torch.float64, requires_grad=True)
        out = module.features(x)
        middle = out.shape[2] // 2
        out[0, 0, middle, middle].backward()
        assert x.grad is not None
        maps[conv] = out.shape, x.grad[0, 0] != 0
        assert len(convolutions(module)) == (count if conv == "stacked" else 1)
    assert maps["ordinary"][0] == maps["stacked"][0]
    assert maps["ordinary"][1].equal(maps["stacked"][1])


def test_a_stack_has_an_activation_in_between() -> None:
    module = network("cnn", Parts(activation="tanh"), conv="stacked", kernel_size=5, channels=[2])
    assert kinds(module)[:5] == ["Conv2d", "Tanh", "Conv2d", "Tanh", "MaxPool2d"]


def test_separable_is_depthwise_and_then_1x1() -> None:
    within, across = convolutions(weightless("cnn", conv="separable", in_channels=3, channels=[8]))
    assert (within.groups, within.kernel_size) == (3, (3, 3))
    assert (across.groups, across.kernel_size) == (1, (1, 1))


def test_locally_connected_weights_are_not_shared() -> None:
    module = network("cnn", conv="locally_connected", channels=[4])
    assert not convolutions(module)
    assert any(isinstance(m, LocallyConnected2d) for m in module.modules())


@pytest.mark.parametrize("bottleneck", ["linear", "activated"])
def test_bottleneck_is_a_quarter_as_wide(bottleneck: str) -> None:
    module = weightless("cnn", Parts(activation="tanh"), bottleneck=bottleneck, channels=[8, 16])
    shapes = [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in convolutions(module)]
    assert shapes == [(1, 8, 3), (8, 4, 1), (4, 16, 3)]
    assert kinds(module).count("Tanh") == (3 if bottleneck == "activated" else 2)


def test_one_by_one_is_a_linear_map_of_each_pixel() -> None:
    conv = convolutions(network("cnn", bottleneck="linear"))[1].double()
    x = torch.randn(2, conv.in_channels, 5, 6, dtype=torch.float64)
    pixels = x.movedim(1, -1) @ conv.weight[:, :, 0, 0].T + conv.bias
    torch.testing.assert_close(conv(x), pixels.movedim(-1, 1))


def test_average_head_ignores_positions() -> None:
    module = network("cnn", head="average", image_size=8, channels=[4]).eval()
    maps = torch.randn(1, 4, 4, 4)
    shuffled = maps.flatten(2)[:, :, torch.randperm(16)].unflatten(2, (4, 4))
    torch.testing.assert_close(module.head(shuffled), module.head(maps))


def test_size_of_the_average_head_does_not_depend_on_the_image() -> None:
    sizes = {num_parameters(weightless("cnn", head="average", image_size=n)) for n in (16, 64)}
    assert len(sizes) == 1


def test_transposed_is_refused_with_a_reason() -> None:
    reason = r"conv must be one of .*, got transposed \(it enlarges the image"
    with pytest.raises(ValueError, match=reason):
        weightless("cnn", conv="transposed")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": [0]}, "channels must be positive integers"),
        ({"channels": []}, "channels must be positive integers, one or more"),
        ({"conv": "x"}, "conv must be one of ordinary, .*, got x$"),
        ({"kernel_size": 0}, "kernel_size must be >= 1, got 0"),
        ({"kernel_size": 4}, "kernel_size must be odd where padding is same, got 4"),
        ({"conv": "stacked", "kernel_size": 1}, "kernel_size must be odd and >= 3"),
        ({"stride": 0}, "stride must be >= 1, got 0"),
        ({"dilation": 0}, "dilation must be >= 1, got 0"),
        ({"padding": "wide"}, "padding must be one of valid, .*, got wide"),
        ({"bottleneck": "yes"}, "bottleneck must be one of none, linear, activated, got yes"),
        ({"head": "max"}, "head must be one of flatten, average, got max"),
    ],
)
def test_a_value_out_of_range_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weightless("cnn", **options)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_an_image_too_small_for_the_layers_is_refused(padding: str) -> None:
    reason = "dataset.image_size must be large enough for the windows of 4 layers, got"
    options = {"channels": [4] * 5, "padding": padding}
    sizes = {"valid": 40, "same": 15}
    with pytest.raises(ValueError, match=f"{reason} {sizes[padding]}"):
        network("cnn", image_size=sizes[padding], **options)

"""ConvNeXt against published values."""

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import nn

SMALL = {"blocks": [1, 1], "widths": [8, 16]}
LAYER = {"name": "layer", "over": "channels"}


@pytest.mark.parametrize(
    ("blocks", "widths", "expected"),
    [
        ([3, 3, 9, 3], [96, 192, 384, 768], 28_589_128),  # T, S and B of the authors' code
        ([3, 3, 27, 3], [96, 192, 384, 768], 50_223_688),
        ([3, 3, 27, 3], [128, 256, 512, 1024], 88_591_464),
    ],
)
def test_it_has_its_published_sizes(blocks: list[int], widths: list[int], expected: int) -> None:
    contract = {"in_channels": 3, "num_classes": 1000, "image_size": 224}
    parts = Parts(normalization=LAYER)
    module = weightless("convnext_tiny", parts, blocks=blocks, widths=widths, **contract)
    assert num_parameters(module) == expected


def test_it_uses_these_axes() -> None:
    assert axes_used("convnext_tiny") == {"activation", "normalization", "dropout"}


@pytest.mark.parametrize(("size", "sides"), [(224, [56, 28, 14, 7]), (28, [28, 14, 7, 3])])
def test_stages_have_the_sizes_of_the_table(size: int, sides: list[int]) -> None:
    module = weightless("convnext_tiny", blocks=[1, 1, 1, 1], image_size=size)
    x = torch.zeros(1, 1, size, size, device="meta")
    found = []
    for layer in module.stages:
        x = layer(x)
        if type(layer).__name__ == "ConvNeXtBlock":
            found.append(x.shape[-1])
    assert found == sides


def test_a_block_without_scale_is_the_identity() -> None:
    block = network("convnext_tiny", **SMALL, layer_scale=0.0).stages[2]
    x = torch.randn(2, 8, 5, 5)
    assert block(x).equal(x)


def test_a_block_equals_the_sources_linear_layers_per_pixel() -> None:
    """The authors' spelling: linear layers over channels_last pixels."""
    block = network("convnext_tiny", Parts(normalization=LAYER), **SMALL).stages[2].double()
    x = torch.randn(2, 8, 5, 6, dtype=torch.float64)
    depthwise, norm, widen, activation, _, narrow = block.residual
    pixels = depthwise(x).permute(0, 2, 3, 1)
    pixels = nn.functional.layer_norm(pixels, (8,), norm.weight, norm.bias, norm.eps)
    pixels = nn.functional.linear(pixels, widen.weight.flatten(1), widen.bias)
    pixels = nn.functional.linear(activation(pixels), narrow.weight.flatten(1), narrow.bias)
    expected = x + (block.layer_scale.flatten() * pixels).permute(0, 3, 1, 2)
    torch.testing.assert_close(block(x), expected, rtol=1e-10, atol=1e-12)


def test_a_normalization_after_the_activation_is_between_the_1x1_layers() -> None:
    after = {"name": "batch", "placement": "after"}
    block = network("convnext_tiny", Parts(normalization=after), **SMALL).stages[2]
    kinds = [type(layer).__name__ for layer in block.residual]
    assert kinds == ["Conv2d", "Identity", "Conv2d", "ReLU", "BatchNorm2d", "Identity", "Conv2d"]
    assert block.residual[4].num_features == 32


def test_stochastic_depth_drops_later_branches_more_often() -> None:
    module = weightless("convnext_tiny", Parts(dropout="stochastic_depth"))
    rates = [m.p for m in module.modules() if type(m).__name__ == "StochasticDepth"]
    # torch.linspace(0, 0.5, 18) of the authors' code
    assert rates == pytest.approx([0.5 * block / 17 for block in range(18)], abs=1e-12)


def test_the_only_branch_is_never_dropped() -> None:
    module = weightless("convnext_tiny", Parts(dropout="stochastic_depth"), blocks=[1], widths=[8])
    assert [m.p for m in module.modules() if type(m).__name__ == "StochasticDepth"] == [0.0]


def test_an_image_too_small_for_the_strides_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dataset\.image_size must be at least 8, got 7"):
        network("convnext_tiny", image_size=7)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"blocks": []}, r"blocks must be positive integers, got \[\]"),
        ({"widths": [8, 0]}, r"widths must be positive integers, got \[8, 0\]"),
        ({"widths": [8]}, r"widths must be as many as blocks, 4, got \[8\]"),
    ],
)
def test_a_value_out_of_its_range_is_refused(options: dict[str, object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        network("convnext_tiny", **options)

"""Densely connected networks against published values."""

from collections.abc import Sequence

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import nn


def by_arithmetic(blocks: Sequence[int], growth: int, num_classes: int, stem: int) -> int:
    """Return the parameters of a DenseNet-BC: kernels, a norm before each, the linear layer."""
    channels = 2 * growth
    total = stem
    for index, count in enumerate(blocks):
        if index:
            total += 2 * channels + channels * (channels // 2)
            channels //= 2
        for _ in range(count):
            total += 2 * channels + channels * 4 * growth + 2 * 4 * growth + 9 * 4 * growth**2
            channels += growth
    return total + 2 * channels + (channels + 1) * num_classes


def test_densenet_bc_100_12_has_its_published_size() -> None:
    contract = {"in_channels": 3, "num_classes": 10, "image_size": 32}
    found = num_parameters(weightless("densenet100", Parts(normalization="batch"), **contract))
    assert found == by_arithmetic([16] * 3, 12, 10, stem=9 * 3 * 24)
    assert round(found / 1e6, 1) == 0.8


def test_densenet_121_has_its_published_size() -> None:
    contract = {"in_channels": 3, "num_classes": 1000, "image_size": 224}
    found = num_parameters(weightless("densenet121", Parts(normalization="batch"), **contract))
    stem = 49 * 3 * 64 + 2 * 64
    assert found == by_arithmetic([6, 12, 24, 16], 32, 1000, stem) == 7_978_856


@pytest.mark.parametrize(("name", "depth"), [("densenet100", 100), ("densenet121", 121)])
def test_depth_counts_the_layers(name: str, depth: int) -> None:
    layers = [m for m in weightless(name).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


def test_it_uses_every_axis() -> None:
    assert axes_used("densenet100") == {"activation", "pooling", "normalization", "dropout"}


@pytest.mark.parametrize(("size", "last"), [(224, 7), (32, 4), (28, 3), (8, 1)])
def test_maps_are_halved_between_blocks(size: int, last: int) -> None:
    module = weightless("densenet121", image_size=size)
    x = module.stem(torch.zeros(1, 1, size, size, device="meta"))
    assert x.shape == (1, 64, *[56 if size == 224 else size] * 2)
    assert module.blocks(x).shape == (1, 1024, last, last)


def test_a_dense_layer_keeps_its_input() -> None:
    layer = network("densenet100", blocks=[1]).blocks[0]
    x = torch.randn(2, 24, 4, 4)
    out = layer(x)
    assert out.shape == (2, 36, 4, 4)
    assert out[:, :24].equal(x)


@pytest.mark.parametrize(("compression", "channels"), [(0.5, 24 + 12), (1.0, 48 + 12)])
def test_compression_is_the_share_kept_by_a_transition(compression: float, channels: int) -> None:
    module = weightless("densenet100", blocks=[2, 1], compression=compression)
    assert module.head[-1].in_features == channels


def test_a_pooling_that_keeps_the_shape_works() -> None:
    module = weightless("densenet100", Parts(pooling="none"))
    assert module(torch.zeros(2, 1, 16, 16, device="meta")).shape == (2, 10)


def test_an_image_too_small_for_the_poolings_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dataset\.image_size must be at least 8, got 7"):
        network("densenet121", image_size=7)


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("blocks", [3, 0], r"blocks must be positive integers, got \[3, 0\]"),
        ("growth", 0, "growth must be >= 1, got 0"),
        ("bottleneck", 0, "bottleneck must be >= 1, got 0"),
        ("compression", 0.0, r"compression must be in \(0, 1\], got 0.0"),
        ("compression", 1.5, r"compression must be in \(0, 1\], got 1.5"),
    ],
)
def test_a_value_out_of_its_range_is_refused(option: str, value: object, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        network("densenet100", **{option: value})

"""The units of networks: order, padding and biases."""

import pytest
import torch
from networks import Parts, network, weightless
from torch import nn

from ablab.components.architecture.conv_unit import (
    Following,
    act_after_sum,
    conv_norm,
    conv_unit,
)
from ablab.components.architecture.pre_activation import pre_conv

AFTER = {"name": "batch", "placement": "after"}


def following(normalization: object) -> Following:
    builders = Parts(normalization=normalization).builders
    return Following(activation=builders["activation"], normalization=builders["normalization"])


def kinds(modules: object) -> list[str]:
    return [type(module).__name__ for module in modules]


@pytest.mark.parametrize(
    ("placed", "order", "biased"),
    [
        ("batch", ["Conv2d", "BatchNorm2d", "ReLU"], False),
        (AFTER, ["Conv2d", "ReLU", "BatchNorm2d"], True),
        ("none", ["Conv2d", "Identity", "ReLU"], True),
        ("local_response", ["Conv2d", "ReLU", "LocalResponseNorm"], True),
        ("layer", ["Conv2d", "GroupNorm", "ReLU"], False),
    ],
)
def test_a_unit_follows_the_normalizations_order(
    placed: object, order: list[str], biased: bool
) -> None:
    unit = conv_unit(3, 4, 3, **following(placed))
    assert kinds(unit) == order
    assert (unit[0].bias is not None) == biased


@pytest.mark.parametrize("kernel_size", [1, 3, 7, (1, 7), (3, 1)])
def test_a_unit_keeps_the_size(kernel_size: int | tuple[int, int]) -> None:
    unit = conv_unit(3, 4, kernel_size, **following("none"))
    assert unit(torch.zeros(2, 3, 9, 8)).shape == (2, 4, 9, 8)


@pytest.mark.parametrize("side", [1, 2, 7, 8])
def test_a_stride_of_two_halves_the_size_rounded_up(side: int) -> None:
    unit = conv_unit(3, 4, 3, 2, **following("none"))
    assert unit(torch.zeros(2, 3, side, side)).shape == (2, 4, (side + 1) // 2, (side + 1) // 2)


def test_without_padding_the_map_shrinks() -> None:
    unit = conv_unit(3, 4, 3, padding=0, **following("none"))
    assert unit(torch.zeros(2, 3, 9, 9)).shape == (2, 4, 7, 7)


def test_a_normalization_after_the_activation_follows_the_sum() -> None:
    builders = following(AFTER)
    bare = conv_norm(3, 4, 3, 1, builders["normalization"])
    assert kinds(bare) == ["Conv2d"]
    assert bare[0].bias is not None
    assert kinds(act_after_sum(4, **builders)) == ["ReLU", "BatchNorm2d"]
    assert type(act_after_sum(4, **following("batch"))) is nn.ReLU


@pytest.mark.parametrize(
    ("placed", "order", "biased"),
    [
        ("batch", ["BatchNorm2d", "ReLU", "Conv2d"], False),
        (AFTER, ["ReLU", "BatchNorm2d", "Conv2d"], True),
        ("none", ["Identity", "ReLU", "Conv2d"], True),
    ],
)
def test_a_pre_activated_convolution_comes_last(
    placed: object, order: list[str], biased: bool
) -> None:
    layers = pre_conv(3, 4, 3, 1, following(placed))
    assert kinds(layers) == order
    assert (layers[-1].bias is not None) == biased


@pytest.mark.parametrize(
    "name", ["resnet20", "plain20", "googlenet", "wide_resnet", "densenet100", "convnext_tiny"]
)
def test_either_placement_gives_logits(name: str) -> None:
    module = weightless(name, Parts(normalization=AFTER), image_size=32).eval()
    assert module(torch.zeros(2, 1, 32, 32, device="meta")).shape == (2, 10)


def test_a_plain_network_has_a_normalization_for_each_activation() -> None:
    for placed in ("batch", AFTER):
        module = network("plain20", Parts(normalization=placed))
        found = kinds(m for m in module.modules() if isinstance(m, nn.BatchNorm2d | nn.ReLU))
        assert found.count("BatchNorm2d") == found.count("ReLU") == 19

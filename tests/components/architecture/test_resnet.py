"""What is published of residual networks."""

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import nn


def test_it_uses_these_axes() -> None:
    assert axes_used("resnet18") == {"activation", "normalization", "dropout"}


@pytest.mark.parametrize(("num_classes", "expected"), [(10, 11_173_962), (100, 11_220_132)])
def test_resnet18_has_its_published_size(num_classes: int, expected: int) -> None:
    parts = Parts(normalization="batch")
    module = weightless("resnet18", parts, in_channels=3, num_classes=num_classes, image_size=32)
    assert num_parameters(module) == expected


def test_resnet18_halves_the_image_three_times() -> None:
    module = network("resnet18", in_channels=3, image_size=32)
    stem = module.stem(torch.randn(1, 3, 32, 32))
    assert stem.shape == (1, 64, 32, 32)
    assert module.stages(stem).shape == (1, 512, 4, 4)


def test_resnet18_has_a_bias_where_nothing_else_shifts() -> None:
    for normalization, biased in (("none", True), ("batch", False)):
        module = network("resnet18", Parts(normalization=normalization))
        convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
        assert len(convolutions) == 20
        assert all((m.bias is not None) == biased for m in convolutions)


def test_resnet18_block_without_residual_is_its_shortcut() -> None:
    module = network("resnet18", Parts(normalization="batch"))
    block = module.stages[0]
    nn.init.zeros_(block.residual[2][1].weight)
    x = torch.rand(2, 64, 8, 8)
    assert block(x).equal(x)


@pytest.mark.parametrize("blocks", [[], [2, 0], [1.5]])
def test_resnet_refuses_a_stage_without_blocks(blocks: list[float]) -> None:
    with pytest.raises(ValueError, match=r"blocks must be positive integers, got \["):
        network("resnet18", blocks=blocks)

"""Wide residual networks against published values."""

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import nn


def by_arithmetic(n: int, width: int, num_classes: int) -> int:
    """Return the parameters: kernels, a norm before each but the stem's, and the linear layer."""
    kernels, norms, channels = 9 * 3 * 16, 0, 16
    for outputs in (16 * width, 32 * width, 64 * width):
        kernels += 9 * outputs * (channels + (2 * n - 1) * outputs)
        kernels += channels * outputs * (channels != outputs)
        norms += channels + (2 * n - 1) * outputs
        channels = outputs
    return kernels + 2 * (norms + channels) + (channels + 1) * num_classes


@pytest.mark.parametrize(("num_classes", "millions"), [(10, 36.5), (100, 36.5)])
def test_wrn_28_10_has_its_published_size(num_classes: int, millions: float) -> None:
    contract = {"in_channels": 3, "num_classes": num_classes, "image_size": 32}
    found = num_parameters(weightless("wide_resnet", Parts(normalization="batch"), **contract))
    assert found == by_arithmetic(4, 10, num_classes)
    assert round(found / 1e6, 1) == millions


@pytest.mark.parametrize(("depth", "width", "millions"), [(40, 1, 0.6), (40, 2, 2.2), (16, 8, 11)])
def test_other_sizes_are_those_of_the_source(depth: int, width: int, millions: float) -> None:
    options = {"in_channels": 3, "image_size": 32, "depth": depth, "width": width}
    found = num_parameters(weightless("wide_resnet", Parts(normalization="batch"), **options))
    assert round(found / 1e6, 1 if millions < 10 else None) == millions


@pytest.mark.parametrize("depth", [10, 16, 22])
def test_depth_counts_the_convolutions(depth: int) -> None:
    module = weightless("wide_resnet", depth=depth, width=2)
    assert sum(isinstance(m, nn.Conv2d) for m in module.modules()) == depth


def test_dropout_is_only_between_a_blocks_convolutions() -> None:
    for name in ("dropout", "spatial", "stochastic_depth"):
        module = weightless("wide_resnet", Parts(dropout=name), depth=10)
        kind = type(Parts(dropout=name).builders["dropout"](depth=0.5)).__name__
        where = [
            path
            for path, m in module.named_modules()
            if type(m).__name__ == kind and "head" in path
        ]
        assert not where
        assert sum(type(m).__name__ == kind for m in module.modules()) == 3


def test_it_uses_these_axes() -> None:
    assert axes_used("wide_resnet") == {"activation", "normalization", "dropout"}


def test_a_block_without_residual_is_its_shortcut() -> None:
    module = network("wide_resnet", depth=16, width=1)
    block = module.stages[1]
    nn.init.zeros_(block.residual[-2].weight)
    nn.init.zeros_(block.residual[-2].bias)
    x = torch.randn(2, 16, 4, 4)
    assert block(x).equal(x)


def test_normalization_and_activation_go_before_each_convolution() -> None:
    module = network("wide_resnet", Parts(normalization="batch"), depth=10, width=2)
    kinds = [type(m).__name__ for m in module.stages[0].modules() if not list(m.children())]
    before = ["BatchNorm2d", "ReLU"]
    nothing = ["Identity"]
    assert kinds == [*before, "Conv2d", *before, *nothing * 2, "Conv2d", *nothing, "Conv2d"]


@pytest.mark.parametrize("depth", [4, 9, 20])
def test_an_impossible_depth_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match=rf"depth must be 6n \+ 4 for n >= 1, got {depth}"):
        network("wide_resnet", depth=depth)


def test_a_width_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="width must be >= 1, got 0"):
        network("wide_resnet", width=0)

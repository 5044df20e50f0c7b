"""What is published of LeNet-5."""

import pytest
import torch
from contract import build
from networks import Parts, axes_used, network, num_parameters
from torch import nn


def test_it_uses_every_axis() -> None:
    assert axes_used("lenet5") == {"activation", "pooling", "normalization", "dropout"}


@pytest.mark.parametrize("image_size", [28, 32])
def test_it_has_its_published_size(image_size: int) -> None:
    assert num_parameters(network("lenet5", image_size=image_size)) == 61_706


@pytest.mark.parametrize("image_size", [28, 32])
def test_it_has_the_shapes_of_1998(image_size: int) -> None:
    module = network("lenet5", image_size=image_size)
    shapes: list[tuple[int, ...]] = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.Linear):
            layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    module(torch.randn(1, 1, image_size, image_size))
    assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]


@pytest.mark.parametrize("image_size", [16, 17, 27, 29, 64])
def test_it_sizes_its_first_linear_layer_by_the_formula(image_size: int) -> None:
    side = ((image_size - 4) // 2 - 4) // 2
    linear = [
        m for m in network("lenet5", image_size=image_size).modules() if isinstance(m, nn.Linear)
    ]
    assert linear[0].in_features == 16 * side**2


def test_it_bears_a_pooling_that_keeps_the_shape() -> None:
    builders = Parts().builders | {"pooling": lambda channels: nn.Identity()}
    module = build(
        "architecture", "lenet5", in_channels=1, num_classes=10, image_size=20, **builders
    )
    assert module(torch.randn(2, 1, 20, 20)).shape == (2, 10)


def test_it_orders_its_parts_as_it_says() -> None:
    parts = Parts(normalization="batch", dropout="dropout")
    kinds = [type(m).__name__ for m in network("lenet5", parts).modules() if not list(m.children())]
    conv = ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    linear = ["Linear", "BatchNorm1d", "ReLU", "Dropout"]
    assert kinds == [*conv, *conv, "Flatten", *linear, *linear, "Linear"]


def test_it_leaves_running_statistics_at_their_start() -> None:
    module = network("lenet5", Parts(normalization="batch"))
    assert module.training
    assert all(not m.num_batches_tracked for m in module.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("image_size", [15, 8, 1])
def test_an_image_that_is_too_small_is_refused(image_size: int) -> None:
    with pytest.raises(
        ValueError, match=f"dataset.image_size must be at least 16, got {image_size}"
    ):
        network("lenet5", image_size=image_size)

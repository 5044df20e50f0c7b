"""AlexNet against published values."""

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import nn

IMAGENET = {"in_channels": 3, "num_classes": 1000, "image_size": 227}


@pytest.mark.parametrize("name", ["alexnet", "alexnet_cifar"])
def test_it_uses_every_axis(name: str) -> None:
    assert axes_used(name) == {"activation", "pooling", "normalization", "dropout"}


@pytest.mark.parametrize("image_size", [224, 227])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 60_965_224),
        ({"groups": 1}, 62_378_344),
        ({"groups": 1, "channels": [64, 192, 384, 256, 256]}, 61_100_840),
    ],
)
def test_it_has_its_published_size(
    image_size: int, options: dict[str, object], expected: int
) -> None:
    parts = Parts(normalization="local_response", dropout="dropout")
    module = weightless("alexnet", parts, **IMAGENET | {"image_size": image_size}, **options)
    assert num_parameters(module) == expected


@pytest.mark.parametrize(("num_classes", "expected"), [(10, 2_472_266), (100, 2_495_396)])
def test_cifar_version_has_its_published_size(num_classes: int, expected: int) -> None:
    module = weightless("alexnet_cifar", in_channels=3, num_classes=num_classes, image_size=32)
    assert num_parameters(module) == expected


def sides(name: str, image_size: int) -> list[int]:
    """Return H of what each convolution and each pooling gives."""
    module = weightless(name, in_channels=3, image_size=image_size)
    found: list[int] = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            layer.register_forward_hook(lambda _, __, out: found.append(out.shape[2]))
    module(torch.zeros(1, 3, image_size, image_size, device="meta"))
    return found


@pytest.mark.parametrize("image_size", [224, 227])
def test_maps_of_large_images_are_those_of_the_paper(image_size: int) -> None:
    assert sides("alexnet", image_size) == [55, 27, 27, 13, 13, 13, 13, 6]


@pytest.mark.parametrize("image_size", [28, 32])
def test_small_images_end_in_one_pixel(image_size: int) -> None:
    assert sides("alexnet_cifar", image_size) == [8, 4, 4, 2, 2, 2, 2, 1]


def test_poolings_of_large_images_overlap() -> None:
    pools = [m for m in weightless("alexnet", **IMAGENET).modules() if isinstance(m, nn.MaxPool2d)]
    assert [(pool.kernel_size, pool.stride) for pool in pools] == [(3, 2)] * 3


def test_groups_are_independent() -> None:
    module = network("alexnet", image_size=32)
    second = [m for m in module.modules() if isinstance(m, nn.Conv2d)][1]
    x = torch.randn(1, 96, 4, 4)
    changed = x.clone()
    changed[:, 48:] += 1
    assert second(x)[:, :128].equal(second(changed)[:, :128])
    assert not second(x)[:, 128:].equal(second(changed)[:, 128:])


def test_local_response_follows_the_first_two_activations() -> None:
    parts = Parts(normalization="local_response")
    kinds = [type(m).__name__ for m in weightless("alexnet", parts, image_size=32).features]
    found = [kind for kind in kinds if kind != "Identity"]
    assert found[:8] == ["Conv2d", "ReLU", found[2], "MaxPool2d"] * 2
    assert "Local" in found[2]
    assert found.count(found[2]) == 2


def test_dropout_follows_the_hidden_layers() -> None:
    module = weightless("alexnet", Parts(dropout="dropout"), image_size=32)
    kinds = [type(m).__name__ for m in module.classifier]
    assert kinds == ["Flatten", *["Linear", "ReLU", "Dropout"] * 2, "Linear"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": [1, 2]}, "channels must be five numbers"),
        ({"groups": 5}, "groups must be a divisor of"),
        ({"normalized": 6}, r"normalized must be in \[0, 5\], got 6"),
        ({"hidden": [0]}, "hidden must be positive integers"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weightless("alexnet", **options)

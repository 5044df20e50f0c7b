"""VGG networks against published values."""

import pytest
import torch
from networks import Parts, axes_used, num_parameters, weightless
from torch import nn


def test_it_uses_every_axis() -> None:
    assert axes_used("vgg") == {"activation", "pooling", "normalization", "dropout"}


# torchvision's of vgg11 to vgg19; the paper's table 2 rounds them to millions
@pytest.mark.parametrize(
    ("depth", "expected", "millions"),
    [
        (11, 132_863_336, 133),
        (13, 133_047_848, 133),
        (16, 138_357_544, 138),
        (19, 143_667_240, 144),
    ],
)
def test_it_has_its_published_size(depth: int, expected: int, millions: int) -> None:
    imagenet = {"in_channels": 3, "num_classes": 1000, "image_size": 224}
    found = num_parameters(weightless("vgg", depth=depth, **imagenet))
    assert found == expected
    assert round(found / 1e6) == millions


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_depth_counts_the_layers_with_weights(depth: int) -> None:
    modules = list(weightless("vgg", depth=depth, image_size=224).modules())
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in modules) == depth


@pytest.mark.parametrize("image_size", [28, 32])
def test_small_images_end_in_one_linear_layer(image_size: int) -> None:
    module = weightless("vgg", Parts(dropout="dropout"), image_size=image_size, in_channels=3)
    x = torch.zeros(2, 3, image_size, image_size, device="meta")
    assert module.features(x).shape == (2, 512, 1, 1)
    assert [type(m).__name__ for m in module.classifier] == ["Flatten", "Dropout", "Linear"]


def test_an_unknown_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="depth must be one of 11, 13, 16, 19, got 12"):
        weightless("vgg", depth=12)

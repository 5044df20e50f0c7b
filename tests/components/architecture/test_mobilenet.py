"""MobileNet against published values."""

import pytest
import torch
from networks import Parts, axes_used, num_parameters, weightless
from torch import nn


def test_it_uses_these_axes() -> None:
    assert axes_used("mobilenet") == {"activation", "normalization", "dropout"}


def test_it_has_its_published_size() -> None:
    imagenet = {"in_channels": 3, "num_classes": 1000, "image_size": 224}
    module = weightless("mobilenet", Parts(normalization="batch"), **imagenet)
    assert num_parameters(module) == 4_231_976


@pytest.mark.parametrize(("image_size", "side"), [(28, 2), (32, 2), (64, 4), (65, 3), (224, 7)])
def test_only_large_images_are_halved_by_the_first_convolution(image_size: int, side: int) -> None:
    module = weightless("mobilenet", image_size=image_size)
    x = torch.zeros(1, 1, image_size, image_size, device="meta")
    assert module.features(x).shape == (1, 1024, side, side)


def test_half_the_width_has_half_the_channels() -> None:
    channels = [
        [m.out_channels for m in weightless("mobilenet", width=width).modules()
         if isinstance(m, nn.Conv2d)]
        for width in (1.0, 0.5)
    ]  # fmt: skip
    assert [count // 2 for count in channels[0]] == channels[1]


def test_depthwise_and_1x1_convolutions_alternate() -> None:
    convolutions = [m for m in weightless("mobilenet").modules() if isinstance(m, nn.Conv2d)][1:]
    assert len(convolutions) == 26
    for within, across in zip(convolutions[::2], convolutions[1::2], strict=True):
        assert within.groups == within.in_channels == within.out_channels == across.in_channels
        assert (within.kernel_size, across.kernel_size, across.groups) == ((3, 3), (1, 1), 1)


def test_a_width_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="width must be > 0, got 0"):
        weightless("mobilenet", width=0)

"""Convolutions that normalization and activation go before, for networks that add or join maps."""

from torch import nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE, Following
from ablab.components.architecture.stem import stem


def pre_conv(
    inputs: int, outputs: int, kernel_size: int, stride: int, following: Following
) -> list[nn.Module]:
    """Return normalization and activation, in the normalization's order, and a convolution.

    The convolution is same-padded, and has a bias where no later normalization shifts or centers.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        kernel_size: side, in pixels, odd.
        stride: in pixels.
        following: builders of what goes before.

    Source: He et al. 2016, arXiv:1603.05027, figure 4e.
    """
    bias = parts.needs_bias(following["normalization"](outputs, 2))
    convolution = nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, bias=bias)
    return [*parts.norm_act(inputs, 2, **following), convolution]


def pre_stem(
    in_channels: int, outputs: int, image_size: int, pooling: parts.Pooling, following: Following
) -> nn.Module:
    """Return a bare 3x3 convolution for small images, for the first block brings the rest.

    Large images have the usual stem, its activation and pooling included.
    """
    if image_size > LARGEST_SMALL_IMAGE:
        return stem(in_channels, outputs, image_size, pooling=pooling, **following)
    bias = parts.needs_bias(following["normalization"](outputs, 2))
    return nn.Conv2d(in_channels, outputs, 3, padding=1, bias=bias)

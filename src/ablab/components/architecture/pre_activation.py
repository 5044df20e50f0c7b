"""Pre-activated convolutions: normalization and activation come first."""

from torch import nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE, Following
from ablab.components.architecture.stem import stem


def pre_conv(
    inputs: int, outputs: int, kernel_size: int, stride: int, following: Following
) -> list[nn.Module]:
    """Return normalization and activation (see `norm_act` for their order), and a convolution.

    The convolution is same-padded, and has a bias unless the next normalization makes it redundant.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel_size: side, in pixels, odd.
        stride: in pixels.
        following: builders of normalization and activation.

    Source: He et al. 2016, arXiv:1603.05027, figure 4e.
    """
    bias = parts.needs_bias(following["normalization"](outputs, 2))
    convolution = nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, bias=bias)
    return [*parts.norm_act(inputs, 2, **following), convolution]


def pre_stem(
    in_channels: int, outputs: int, image_size: int, pooling: parts.Pooling, following: Following
) -> nn.Module:
    """Return a 3x3 convolution for small images; the first block starts with its activation.

    Large images get the usual stem, with activation and pooling.
    """
    if image_size > LARGEST_SMALL_IMAGE:
        return stem(in_channels, outputs, image_size, pooling=pooling, **following)
    bias = parts.needs_bias(following["normalization"](outputs, 2))
    return nn.Conv2d(in_channels, outputs, 3, padding=1, bias=bias)

"""The first layers of a network, for small and large images."""

from torch import nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE, Following, conv_unit


def stem(
    in_channels: int,
    outputs: int,
    image_size: int,
    *,
    activation: parts.Activation,
    pooling: parts.Pooling,
    normalization: parts.Normalization,
) -> nn.Sequential:
    """Return a stem that keeps the size of small images and reduces large ones to a quarter.

    Args:
        in_channels: planes of an image, >= 1.
        outputs: channels, >= 1.
        image_size: H and W of an image, in pixels; large if above 64.
        activation: builder.
        pooling: builder, used for large images alone.
        normalization: builder.

    Source: He et al. 2016, arXiv:1512.03385: 7x7 of stride 2 and 3x3 pooling of stride 2 for
    ImageNet (table 1), one 3x3 for CIFAR (section 4.2).
    """
    large = image_size > LARGEST_SMALL_IMAGE
    kernel_size, stride = (7, 2) if large else (3, 1)
    following = Following(activation=activation, normalization=normalization)
    first = conv_unit(in_channels, outputs, kernel_size, stride, **following)
    return nn.Sequential(*first, *([pooling(outputs, 3, 2, 1)] if large else []))

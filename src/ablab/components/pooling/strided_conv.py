"""A strided convolution in the place of pooling."""

from torch import nn


def strided_conv(
    channels: int, kernel_size: int, stride: int, padding: int, depthwise: bool
) -> nn.Module:
    """Return a convolution that keeps the channels and takes the window of the pooling.

    It has ``kernel_size**2 * channels**2 + channels`` parameters, as one of a depthwise
    ``kernel_size**2 * channels + channels``, and starts as every convolution of the network does.

    Args:
        channels: C, >= 1.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        padding: border of zeros on each side, in pixels, >= 0.
        depthwise: whether each channel is convolved by itself, as other poolings do.

    Source: Springenberg et al. 2015, arXiv:1412.6806, section 2. Ours: no activation follows.
    """
    groups = channels if depthwise else 1
    return nn.Conv2d(channels, channels, kernel_size, stride, padding, groups=groups)

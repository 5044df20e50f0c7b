"""A strided convolution instead of pooling."""

from torch import nn


def strided_conv(
    channels: int, kernel_size: int, stride: int, padding: int, depthwise: bool
) -> nn.Module:
    """Return a convolution with the window of the pooling and unchanged channels.

    It has ``kernel_size**2 * channels**2 + channels`` parameters, if depthwise
    ``kernel_size**2 * channels + channels``, and is initialized like the network's convolutions.

    Args:
        channels: C, >= 1.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        padding: border of zeros on each side, in pixels, >= 0.
        depthwise: convolve each channel separately, as other poolings do.

    Source: Springenberg et al. 2015, arXiv:1412.6806, section 2. Ours: no activation follows.
    """
    groups = channels if depthwise else 1
    return nn.Conv2d(channels, channels, kernel_size, stride, padding, groups=groups)

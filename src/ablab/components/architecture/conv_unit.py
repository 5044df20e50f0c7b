"""A convolution with normalization and activation, the unit of most networks."""

from collections.abc import Sequence
from typing import TypedDict

from torch import nn

from ablab.components import parts

Size = int | tuple[int, int]
LARGEST_SMALL_IMAGE = 64  # pixels; larger images get ImageNet's stem


class Following(TypedDict):
    """Builders of normalization and activation after a convolution."""

    activation: parts.Activation
    normalization: parts.Normalization


def same(kernel_size: Size) -> Size:
    """Return the padding that keeps H and W at stride 1, in pixels; for odd kernels."""
    return (
        kernel_size // 2
        if isinstance(kernel_size, int)
        else (kernel_size[0] // 2, kernel_size[1] // 2)
    )


def scaled(channels: Sequence[int], width: float) -> list[int]:
    """Return numbers of channels times a factor, rounded, each >= 1.

    Raises:
        ValueError: ``width`` is not positive.

    Example:
        >>> scaled([64, 96, 1], 0.125)
        [8, 12, 1]
    """
    if width <= 0:
        raise ValueError(f"width must be > 0, got {width}")
    return [max(1, round(width * full)) for full in channels]


def conv_unit(
    inputs: int,
    outputs: int,
    kernel_size: Size,
    stride: int = 1,
    *,
    padding: Size | None = None,
    activation: parts.Activation,
    normalization: parts.Normalization,
) -> nn.Sequential:
    """Return a convolution, normalization and activation (see `norm_act` for their order).

    The convolution has a bias unless the normalization makes it redundant (see `needs_bias`).

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel_size: side, or height and width, in pixels, odd.
        stride: in pixels.
        padding: in pixels; None keeps H and W at stride 1.
        activation: builder.
        normalization: builder.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.2, for the bias.
    """
    border = same(kernel_size) if padding is None else padding
    following = parts.norm_act(outputs, 2, activation, normalization)
    bias = parts.needs_bias(following[0])
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size, stride, border, bias=bias), *following
    )


def conv_norm(
    inputs: int, outputs: int, kernel_size: Size, stride: int, normalization: parts.Normalization
) -> nn.Sequential:
    """Return a same-padded convolution and its normalization, without activation.

    A normalization with placement 'after' is omitted, as there is no activation.
    """
    norm = normalization(outputs, 2)
    following = [norm] if parts.placement(norm) == "before" else []
    bias = parts.needs_bias(norm)
    border = same(kernel_size)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size, stride, border, bias=bias), *following
    )


def act_after_sum(
    channels: int, activation: parts.Activation, normalization: parts.Normalization
) -> nn.Module:
    """Return the activation of a block's sum, with a normalization of placement 'after'."""
    norm, act = normalization(channels, 2), activation(channels)
    return nn.Sequential(act, norm) if parts.placement(norm) == "after" else act


def check_image_size(least: int, image_size: int) -> None:
    """Check that an image is large enough for the strides.

    Raises:
        ValueError: it has fewer than ``least`` pixels per side.
    """
    if image_size < least:
        raise ValueError(f"dataset.image_size must be at least {least}, got {image_size}")

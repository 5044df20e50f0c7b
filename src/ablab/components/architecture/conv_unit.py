"""A convolution and what follows it: the unit that most networks are made of."""

from typing import TypedDict

from torch import nn

from ablab.components import parts

Size = int | tuple[int, int]
LARGEST_SMALL_IMAGE = 64  # pixels; above it a stem is ImageNet's


class Following(TypedDict):
    """The builders of what follows a convolution."""

    activation: parts.Activation
    normalization: parts.Normalization


def same(kernel_size: Size) -> Size:
    """Return the border, in pixels, that keeps H and W at stride 1; for odd kernels."""
    return (
        kernel_size // 2
        if isinstance(kernel_size, int)
        else (kernel_size[0] // 2, kernel_size[1] // 2)
    )


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
    """Return a convolution, normalization and activation, in the normalization's order.

    The convolution has a bias where the next layer neither shifts nor centers.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        kernel_size: side, or height and width, in pixels, odd.
        stride: in pixels.
        padding: border, in pixels; None keeps H and W at stride 1.
        activation: builder.
        normalization: builder.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.2, for where the bias goes.
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
    """Return a same-padded convolution without activation, and its normalization.

    One that stands after its activation has no place here.
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
    """Return the activation of a block's sum, with the normalization that stands after it."""
    norm, act = normalization(channels, 2), activation(channels)
    return nn.Sequential(act, norm) if parts.placement(norm) == "after" else act


def refuse_below(least: int, image_size: int) -> None:
    """Refuse an image that strides would leave nothing of.

    Raises:
        ValueError: the image has fewer pixels to a side.
    """
    if image_size < least:
        raise ValueError(f"dataset.image_size must be at least {least}, got {image_size}")

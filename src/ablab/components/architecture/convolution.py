"""The kinds of convolution layers in `CNN`."""

from collections.abc import Callable

from torch import nn

from ablab.components.architecture.locally_connected import LocallyConnected2d
from ablab.components.architecture.window import Window

KINDS = ("ordinary", "separable", "locally_connected", "stacked")

Following = Callable[[int], list[nn.Module]]


def conv2d(inputs: int, outputs: int, window: Window, groups: int = 1) -> nn.Conv2d:
    """Return torch's convolution with a window."""
    return nn.Conv2d(
        inputs,
        outputs,
        window.kernel_size,
        window.stride,
        window.border,
        window.dilation,
        groups,
        padding_mode=window.mode,
    )


def convolution(
    kind: str, inputs: int, outputs: int, *, side: int, window: Window, following: Following
) -> list[nn.Module]:
    """Return the layers of one convolution, without normalization and activation after the last.

    Args:
        kind: ``"ordinary"``; ``"separable"``: depthwise, then 1x1; ``"locally_connected"``: no
            shared weights; ``"stacked"``: (k - 1) / 2 convolutions of 3x3 with the receptive field
            of one of k x k, the last with the stride.
        inputs: input channels.
        outputs: output channels.
        side: H and W of the input, in pixels.
        window: kernel size, stride, dilation and padding.
        following: returns normalization and activation for a number of channels; used between the
            layers of kinds with several.

    Raises:
        ValueError: the kind is unknown, or the window does not fit it.

    Source: separable: Howard et al. 2017, arXiv:1704.04861; stacked: Simonyan and Zisserman 2015,
    arXiv:1409.1556, section 2.3, and Szegedy et al. 2016, arXiv:1512.00567, section 3.1.
    """
    if kind == "ordinary":
        return [conv2d(inputs, outputs, window)]
    if kind == "separable":
        depthwise = conv2d(inputs, inputs, window, groups=inputs)
        return [depthwise, *following(inputs), nn.Conv2d(inputs, outputs, 1)]
    if kind == "locally_connected":
        size, stride, dilation = window.kernel_size, window.stride, window.dilation
        how = {"stride": stride, "padding": window.border, "dilation": dilation}
        return [LocallyConnected2d(inputs, outputs, side, size, padding_mode=window.mode, **how)]
    if kind == "stacked":
        return _stacked(inputs, outputs, window, following)
    reason = " (it enlarges the image, while a classifier must reduce it)"
    raise ValueError(
        f"conv must be one of {', '.join(KINDS)}, got {kind}"
        f"{reason if kind == 'transposed' else ''}"
    )


def _stacked(inputs: int, outputs: int, window: Window, following: Following) -> list[nn.Module]:
    if window.kernel_size < 3 or window.kernel_size % 2 == 0:
        raise ValueError(
            f"kernel_size must be odd and >= 3 where conv is stacked, got {window.kernel_size}"
        )
    count = (window.kernel_size - 1) // 2
    layers: list[nn.Module] = []
    for index in range(count):
        stride = window.stride if index == count - 1 else 1
        small = Window(3, stride, window.dilation, window.padding)
        layers += [*(following(outputs) if index else []), conv2d(inputs, outputs, small)]
        inputs = outputs
    return layers

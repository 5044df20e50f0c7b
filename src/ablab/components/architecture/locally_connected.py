"""The locally connected layer: a convolution without weight sharing."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PAD_MODES = {"zeros": "constant"}


class LocallyConnected2d(nn.Module):
    """A separate kernel and bias for each position of the output.

    With the same kernel everywhere it is a convolution. It has ``H' W'`` times the parameters of a
    convolution, so their number grows with the image.

    Args:
        in_channels: input planes, >= 1.
        out_channels: output planes, >= 1.
        image_size: H and W of the input, in pixels.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        padding: border on each side, in pixels, >= 0.
        dilation: step between the pixels of a window, >= 1.
        padding_mode: content of the border: ``"zeros"``, ``"reflect"``, ``"replicate"`` or
            ``"circular"``.

    Attributes:
        weight: (H' W', C k**2, out_channels), windows in the order of `torch.nn.functional.unfold`.
        bias: (H' W', 1, out_channels).

    Raises:
        ValueError: the window is larger than the padded image.

    Source: LeCun 1989, Generalization and network design strategies; weights are initialized as in
    torch's convolutions, uniform with variance 1 / (3 fan_in).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        image_size: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        self.side = (image_size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1
        if self.side < 1:
            raise ValueError(f"kernel_size must fit into {image_size} pixels, got {kernel_size}")
        self.kernel_size, self.stride, self.dilation = kernel_size, stride, dilation
        self.border, self.mode = (padding,) * 4, _PAD_MODES.get(padding_mode, padding_mode)
        self.kernel = in_channels, kernel_size, kernel_size
        fan_in = in_channels * kernel_size**2
        self.weight = nn.Parameter(torch.empty(self.side**2, fan_in, out_channels))
        self.bias = nn.Parameter(torch.empty(self.side**2, 1, out_channels))
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, H', W') of (N, in_channels, H, W)."""
        padded = F.pad(x, self.border, self.mode)
        windows = F.unfold(padded, self.kernel_size, self.dilation, stride=self.stride)
        out: Tensor = torch.baddbmm(self.bias, windows.permute(2, 0, 1), self.weight)
        return out.permute(1, 2, 0).reshape(x.shape[0], -1, self.side, self.side)

    def kernels(self) -> Iterator[Tensor]:
        """Yield a view of each position's kernel, (out_channels, C, k, k)."""
        for kernel in self.weight:
            yield kernel.T.unflatten(1, self.kernel)

    def extra_repr(self) -> str:
        """Return the sizes, for printing."""
        return f"{tuple(self.weight.shape)}, stride={self.stride}, dilation={self.dilation}"

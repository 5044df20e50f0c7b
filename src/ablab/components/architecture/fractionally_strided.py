"""The fractionally strided, or transposed, convolution."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FractionallyStrided2d(nn.Module):
    """A convolution with a step of 1 / stride pixels, which enlarges the image.

    Pixels are placed ``stride`` apart in a field of zeros, followed by a full correlation with the
    flipped kernel at stride 1; ``padding`` removes pixels at each side. As a matrix it is the
    transpose of the convolution with the same kernel, stride and padding, hence its other name: it
    inverts that convolution's change of shape, not of values. No classifier here uses it, since
    classifiers reduce maps.

    Args:
        in_channels: input planes, >= 1.
        out_channels: output planes, >= 1.
        kernel_size: side of a kernel, in pixels, >= 1.
        stride: output pixels per input pixel, >= 1.
        padding: pixels removed at each side, in [0, kernel_size).

    Attributes:
        weight: (in_channels, out_channels, k, k), as in torch's ConvTranspose2d.
        bias: (out_channels,).

    Raises:
        ValueError: a value is out of its range.

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, chapter 4.

    Example:
        >>> layer = FractionallyStrided2d(1, 1, kernel_size=2, stride=2)
        >>> layer(torch.zeros(1, 1, 3, 3)).shape
        torch.Size([1, 1, 6, 6])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, padding: int = 0
    ) -> None:
        super().__init__()
        if stride < 1:
            raise ValueError(f"stride must be >= 1, got {stride}")
        if not 0 <= padding < kernel_size:
            raise ValueError(f"padding must be in [0, kernel_size), got {padding}")
        self.stride, self.border = stride, kernel_size - 1 - padding
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels))
        bound = 1 / math.sqrt(out_channels * kernel_size**2)  # as torch's ConvTranspose2d
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, H', W') with H' = (H - 1) stride - 2 padding + kernel_size."""
        height, width = ((side - 1) * self.stride + 1 for side in x.shape[2:])
        field = x.new_zeros(*x.shape[:2], height, width)
        field[:, :, :: self.stride, :: self.stride] = x
        flipped = self.weight.flip(2, 3).transpose(0, 1)
        return F.conv2d(field, flipped, self.bias, padding=self.border)

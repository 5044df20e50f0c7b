"""Blur pooling: max pooling with a low-pass filter before subsampling."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BlurPool(nn.Module):
    """The maximum of each window at stride 1, a binomial filter, and then the stride.

    The filter reduces aliasing, so that outputs change less when an image is shifted.

    Args:
        channels: C, >= 1.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between outputs, in pixels, >= 1.
        padding: border on each side, in pixels, at most half of ``kernel_size``.
        filter_size: taps of the filter on each axis, odd, >= 1; 3 is [1, 2, 1] / 4.

    Raises:
        ValueError: ``filter_size`` is not odd.

    Source: Zhang 2019, arXiv:1904.11486, MaxBlurPool. Ours: the filter's border repeats the edge
    pixels, where the source reflects them; this also works for a map of one pixel.

    Example:
        >>> pool = BlurPool(1, kernel_size=1, stride=2, padding=0, filter_size=3)
        >>> pool(torch.tensor([[[[4.0, 0.0], [4.0, 0.0]]]])).item()
        3.0
    """

    def __init__(
        self, channels: int, kernel_size: int, stride: int, padding: int, *, filter_size: int
    ) -> None:
        super().__init__()
        if filter_size < 1 or filter_size % 2 == 0:
            raise ValueError(f"filter_size must be odd and >= 1, got {filter_size}")
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.border = filter_size // 2
        taps = torch.tensor([float(math.comb(filter_size - 1, k)) for k in range(filter_size)])
        filters = torch.outer(taps, taps) / 4 ** (filter_size - 1)
        self.filters: Tensor
        self.register_buffer("filters", filters.repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H', W') with H' = floor((H + 2 padding - kernel_size) / stride) + 1.

        Args:
            x: (N, C, H, W).
        """
        maxima = F.max_pool2d(x, self.kernel_size, 1, self.padding)
        padded = F.pad(maxima, (self.border,) * 4, mode="replicate")
        return F.conv2d(padded, self.filters, stride=self.stride, groups=len(self.filters))

    def extra_repr(self) -> str:
        """Return the window, for printing."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"

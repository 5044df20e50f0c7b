"""LeNet-5's trainable subsampling."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TrainableSubsampling(nn.Module):
    """The sum of each window times a weight plus a bias, both learned per channel.

    The source then applies a sigmoid-like function; here that is the architecture's activation.

    Args:
        channels: C, >= 1.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        padding: border of zeros on each side, in pixels, at most half of ``kernel_size``.
        share: initial weight times the number of pixels of a window; 1 is mean pooling.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section
    II.B (S2 has 12 parameters, S4 32). Ours: the start, at mean pooling, with bias 0.

    Example:
        >>> pool = TrainableSubsampling(1, kernel_size=2, stride=2, padding=0, share=1.0)
        >>> pool(torch.tensor([[[[3.0, 0.0], [0.0, 5.0]]]])).item()
        2.0
    """

    def __init__(
        self, channels: int, kernel_size: int, stride: int, padding: int, *, share: float
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.weight = nn.Parameter(torch.full((channels, 1, 1), share / kernel_size**2))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H', W') with H' = floor((H + 2 padding - kernel_size) / stride) + 1.

        Args:
            x: (N, C, H, W).
        """
        mean = F.avg_pool2d(x, self.kernel_size, self.stride, self.padding)
        # Not `divisor_override=1`, which torch.onnx ignores.
        return mean * (self.weight * self.kernel_size**2) + self.bias

    def extra_repr(self) -> str:
        """Return the window, for printing."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"

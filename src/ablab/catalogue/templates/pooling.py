"""A custom pooling."""

import torch.nn.functional as F
from torch import Tensor, nn


class Mine(nn.Module):
    """``share * max + (1 - share) * min`` of each window.

    Args:
        channels: C, unused.
        kernel_size: side of a window, in pixels.
        stride: step between windows, in pixels.
        padding: border on each side, in pixels.
        share: of the maximum, in [0, 1].

    Raises:
        ValueError: ``share`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(
        self, channels: int, kernel_size: int, stride: int, padding: int, *, share: float
    ) -> None:
        super().__init__()
        if not 0 <= share <= 1:
            raise ValueError(f"share must be in [0, 1], got {share}")
        self.window = kernel_size, stride, padding
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H', W') with H' = floor((H + 2 padding - kernel_size) / stride) + 1."""
        most, least = F.max_pool2d(x, *self.window), -F.max_pool2d(-x, *self.window)
        return self.share * most + (1 - self.share) * least

"""Mixed max and mean pooling."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MixedPool(nn.Module):
    """``share * max + (1 - share) * mean`` of each window, with one learned share per layer.

    Border pixels count neither in the maximum nor in the mean.

    Args:
        channels: C, unused.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        padding: border on each side, in pixels, at most half of ``kernel_size``.
        share: initial weight of the maximum, in [0, 1]; may leave this range in training.

    Raises:
        ValueError: ``share`` is out of its range.

    Source: Lee et al. 2016, arXiv:1509.08985, section 3.1, 'mixed', one per layer.

    Example:
        >>> pool = MixedPool(1, kernel_size=2, stride=2, padding=0, share=0.5)
        >>> pool(torch.tensor([[[[3.0, 0.0], [0.0, 5.0]]]])).item()
        3.5
    """

    def __init__(
        self, channels: int, kernel_size: int, stride: int, padding: int, *, share: float
    ) -> None:
        super().__init__()
        if not 0 <= share <= 1:
            raise ValueError(f"share must be in [0, 1], got {share}")
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.share = nn.Parameter(torch.tensor([float(share)]))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H', W') with H' = floor((H + 2 padding - kernel_size) / stride) + 1.

        Args:
            x: (N, C, H, W).
        """
        window = self.kernel_size, self.stride, self.padding
        mean = F.avg_pool2d(x, *window, count_include_pad=False)
        return mean + self.share * (F.max_pool2d(x, *window) - mean)

    def extra_repr(self) -> str:
        """Return the window, for printing."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"

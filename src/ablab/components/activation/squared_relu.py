"""The square of ReLU."""

from torch import Tensor, nn


class SquaredReLU(nn.Module):
    """``max(x, 0)**2``, elementwise: its first derivative is continuous and does not saturate.

    Args:
        channels: C, unused.

    Source: So et al. 2021 (Primer), arXiv:2109.08668, section 4.1.

    Example:
        >>> import torch
        >>> SquaredReLU(1)(torch.tensor([-1.0, 0.5, 2.0]))
        tensor([0.0000, 0.2500, 4.0000])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Return values >= 0, of the shape of ``x``."""
        return x.relu().square()

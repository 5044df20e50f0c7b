"""A custom activation."""

from torch import Tensor, nn


class Mine(nn.Module):
    """``x * sigmoid(beta * x)``, elementwise.

    Args:
        channels: C, unused.
        beta: > 0.

    Raises:
        ValueError: ``beta`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(self, channels: int, beta: float) -> None:
        super().__init__()
        if beta <= 0:
            raise ValueError(f"beta must be > 0, got {beta}")
        self.beta = beta

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of ``x``, (N, C) or (N, C, H, W)."""
        return x * (self.beta * x).sigmoid()

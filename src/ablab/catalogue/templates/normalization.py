"""A custom normalization."""

import torch
from torch import Tensor, nn


class Mine(nn.Module):
    """Divide an image by its root mean square, and multiply by a learned scale per channel.

    Args:
        channels: C.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        eps: added to the mean square, > 0.

    Raises:
        ValueError: ``eps`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(self, channels: int, spatial_dims: int, eps: float) -> None:
        super().__init__()
        if eps <= 0:
            raise ValueError(f"eps must be > 0, got {eps}")
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(channels, *[1] * spatial_dims))

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of ``x``."""
        square = x.square().mean(tuple(range(1, x.ndim)), keepdim=True)
        return self.scale * x * (square + self.eps).rsqrt()

"""Cutout."""

import torch
from torch import Tensor


class Cutout:
    """Fill a square of each image with the batch's mean color.

    The center of the square is drawn uniformly over the pixels, for each image; the square is
    clipped at the border.

    Args:
        size: side of the square, in pixels, >= 1.

    Raises:
        ValueError: ``size`` is out of its range.

    Source: DeVries and Taylor 2017, arXiv:1708.04552. There the square is zero after
    standardization: the mean of the data set instead of the batch's.

    Example:
        >>> x, y = torch.ones(2, 1, 4, 4), torch.tensor([3, 5])
        >>> Cutout(size=2)(x, y, torch.Generator())[0].equal(x)
        True
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size must be an integer >= 1, got {size}")
        self.size = size

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return images with a square each, and the same targets.

        Args:
            x: (N, C, H, W), in [0, 1].
            y: targets, unchanged.
            generator: source of the centers; any device.

        Returns:
            Images of the shape, dtype and device of ``x``, and ``y``.
        """
        N, _, H, W = x.shape
        drawn = torch.rand((2, N), generator=generator, device=generator.device).to(x.device)
        top = (drawn[0] * H).long() - self.size // 2
        left = (drawn[1] * W).long() - self.size // 2
        row, column = torch.arange(H, device=x.device), torch.arange(W, device=x.device)
        rows = (row >= top[:, None]) & (row < top[:, None] + self.size)
        columns = (column >= left[:, None]) & (column < left[:, None] + self.size)
        square = (rows[:, :, None] & columns[:, None, :])[:, None]
        return torch.where(square, x.mean((0, 2, 3), keepdim=True), x), y

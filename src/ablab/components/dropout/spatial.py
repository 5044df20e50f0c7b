"""Spatial dropout."""

from torch import Tensor

from ablab.components.dropout.dropout import Dropout


class SpatialDropout(Dropout):
    """Zero each whole feature map with probability p and divide the rest by 1 - p, in training.

    Neighboring pixels of a map tell much the same, so that dropping single ones regularizes
    little. On (N, C), a map a unit, it is ordinary dropout.

    Args:
        generator: what masks are drawn from, and nothing else is; any device.
        p: probability of zero, in [0, 1).

    Raises:
        ValueError: p is out of its range.

    Source: Tompson et al. 2015, arXiv:1411.4280, section 3.2; scaled in training.

    Example:
        >>> import torch
        >>> drop = SpatialDropout(torch.Generator().manual_seed(0), p=0.5)
        >>> sorted(set(drop(torch.ones(1, 100, 8, 8)).mean((2, 3)).flatten().tolist()))
        [0.0, 2.0]
    """

    place = "maps"

    def mask_shape(self, x: Tensor) -> tuple[int, ...]:
        """Return one entry for each map of each image."""
        return (*x.shape[:2], *(1 for _ in x.shape[2:]))

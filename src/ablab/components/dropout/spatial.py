"""Spatial dropout."""

from torch import Tensor

from ablab.components.dropout.dropout import Dropout


class SpatialDropout(Dropout):
    """Zero whole feature maps with probability p and divide the rest by 1 - p, during training.

    Neighboring pixels of a map are strongly correlated, so that dropping single pixels regularizes
    little. On (N, C) it is ordinary dropout.

    Args:
        generator: source of the masks, used for nothing else; any device.
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

    site = "maps"

    def mask_shape(self, x: Tensor) -> tuple[int, ...]:
        """Return a shape with one entry for each map of each image."""
        return (*x.shape[:2], *(1 for _ in x.shape[2:]))

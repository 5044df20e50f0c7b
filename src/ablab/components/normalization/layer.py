"""Layer normalization."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ablab.components import parts


def layer(
    channels: int,
    spatial_dims: int,
    *,
    eps: float,
    affine: bool,
    over: Literal["all", "channels"],
    placement: parts.Placement,
) -> nn.Module:
    """Return layer normalization: statistics per image, independent of the batch.

    Args:
        channels: C, >= 1.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        eps: added to the variance, > 0.
        affine: learn a scale and a shift per channel.
        over: ``"all"``: statistics over all units of an image; ``"channels"``: over the channels
            at each position. The same on (N, C).
        placement: ``"before"`` the activation or ``"after"`` it.

    Raises:
        ValueError: a value is out of its range.

    Source: Ba et al. 2016, arXiv:1607.06450; ``"channels"`` is Liu et al. 2022 (ConvNeXt),
    arXiv:2201.03545. Ours: scale and shift per channel, not per unit.
    """
    if eps <= 0:
        raise ValueError(f"eps must be > 0, got {eps}")
    if over not in ("all", "channels"):
        raise ValueError(f"over must be one of all, channels, got {over}")
    if over == "all":
        return parts.with_placement(nn.GroupNorm(1, channels, eps, affine), placement)
    return parts.with_placement(ChannelNorm(channels, eps, affine), placement)


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels at each position of (N, C, ...)."""

    def __init__(self, channels: int, eps: float, affine: bool) -> None:
        super().__init__(channels, eps=eps, elementwise_affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of ``x``."""
        last = x.movedim(1, -1)
        out = F.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps)
        return out.movedim(-1, 1)

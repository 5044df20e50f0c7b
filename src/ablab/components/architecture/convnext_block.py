"""The block of ConvNeXt."""

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following


class ConvNeXtBlock(nn.Module):
    """A depthwise 7x7 convolution, normalization, 1x1 to four times the width, activation, 1x1.

    Each channel of the branch is scaled by a learned weight before it is added. A normalization
    with placement 'after' follows the block's only activation.

    Source: Liu et al. 2022, arXiv:2201.03545, figure 4; the scale is Touvron et al. 2021's,
    arXiv:2103.17239.
    """

    def __init__(
        self,
        channels: int,
        layer_scale: float,
        *,
        depth: float,
        dropout: parts.Dropout,
        following: Following,
    ) -> None:
        super().__init__()
        norm = following["normalization"](channels, 2)
        between: list[nn.Module] = [following["activation"](4 * channels)]
        if parts.placement(norm) == "after":
            norm = nn.Identity()
            between.append(following["normalization"](4 * channels, 2))
        self.residual = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            norm,
            nn.Conv2d(channels, 4 * channels, 1),
            *between,
            parts.dropout_at("maps", dropout),
            nn.Conv2d(4 * channels, channels, 1),
        )
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), layer_scale))
        self.drop = parts.dropout_at("branches", dropout, depth)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the shape of ``x``."""
        out: Tensor = x + self.drop(self.layer_scale * self.residual(x))
        return out

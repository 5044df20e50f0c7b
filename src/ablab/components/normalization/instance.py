"""Instance normalization."""

from torch import Tensor, nn

from ablab.components import parts


def instance(
    channels: int, spatial_dims: int, eps: float, affine: bool, placement: parts.Placement
) -> nn.Module:
    """Return instance normalization: statistics per feature map of each image.

    On (N, C), without maps, it is the identity.

    Args:
        channels: C, >= 1.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        eps: added to the variance, > 0.
        affine: learn a scale and a shift per channel.
        placement: ``"before"`` the activation or ``"after"`` it.

    Raises:
        ValueError: a value is out of its range.

    Source: Ulyanov et al. 2016, arXiv:1607.08022.
    """
    if eps <= 0:
        raise ValueError(f"eps must be > 0, got {eps}")
    if spatial_dims == 0:
        return parts.with_placement(nn.Identity(), placement)
    return parts.with_placement(InstanceNorm(channels, channels, eps, affine), placement)


class InstanceNorm(nn.GroupNorm):
    """Group normalization with one channel per group; unlike torch's, it keeps channels_last.

    Raises:
        ValueError: a map has a single pixel, which equals its mean.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of ``x``, (N, C, L) or (N, C, H, W)."""
        if x[0, 0].numel() < 2:
            raise ValueError(f"feature maps must have 2 pixels or more, got shape {(*x.shape,)}")
        return super().forward(x)

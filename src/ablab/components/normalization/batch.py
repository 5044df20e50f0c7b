"""Batch normalization."""

from torch import nn

from ablab.components import parts


def batch(
    channels: int,
    spatial_dims: int,
    *,
    eps: float,
    momentum: float,
    affine: bool,
    placement: parts.Placement,
) -> nn.Module:
    """Return batch normalization: statistics per channel, over the batch and all positions.

    Args:
        channels: C, >= 1.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        eps: added to the variance, > 0.
        momentum: weight of the new batch in the running statistics, in [0, 1].
        affine: learn a scale and a shift per channel.
        placement: ``"before"`` the activation, as in the source, or ``"after"`` it.

    Raises:
        ValueError: a value is out of its range.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """
    if eps <= 0:
        raise ValueError(f"eps must be > 0, got {eps}")
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum must be in [0, 1], got {momentum}")
    if spatial_dims not in (0, 1, 2):
        raise ValueError(f"spatial_dims must be one of 0, 1, 2, got {spatial_dims}")
    layer = nn.BatchNorm2d if spatial_dims == 2 else nn.BatchNorm1d
    return parts.with_placement(
        layer(channels, eps=eps, momentum=momentum, affine=affine), placement
    )

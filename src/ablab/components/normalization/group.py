"""Group normalization."""

from torch import nn

from ablab.components import parts


def group(
    channels: int,
    spatial_dims: int,
    *,
    group_size: int,
    eps: float,
    affine: bool,
    placement: parts.Placement,
) -> nn.Module:
    """Return group normalization: statistics per image and group of neighboring channels.

    Args:
        channels: C, >= 1.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        group_size: channels per group, >= 1; if it does not divide C, the next smaller divisor.
        eps: added to the variance, > 0.
        affine: learn a scale and a shift per channel.
        placement: ``"before"`` the activation or ``"after"`` it.

    Raises:
        ValueError: a value is out of its range, or each group would hold a single value.

    Source: Wu and He 2018, arXiv:1803.08494, table 3 (16 channels per group). Ours: other
    sizes where 16 does not divide the channels.
    """
    if group_size < 1:
        raise ValueError(f"group_size must be >= 1, got {group_size}")
    if eps <= 0:
        raise ValueError(f"eps must be > 0, got {eps}")
    size = next(size for size in range(min(group_size, channels), 0, -1) if channels % size == 0)
    if size == 1 and spatial_dims == 0:
        raise ValueError(
            f"group_size must be at least a divisor of {channels} other than 1, got {group_size}"
        )
    return parts.with_placement(nn.GroupNorm(channels // size, channels, eps, affine), placement)

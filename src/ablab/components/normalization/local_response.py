"""Local response normalization."""

from torch import nn

from ablab.components import parts


def local_response(
    channels: int,
    spatial_dims: int,
    *,
    size: int,
    alpha: float,
    beta: float,
    k: float,
    placement: parts.Placement,
) -> nn.Module:
    """Return ``a / (k + alpha * s)**beta``, s the sum of squares over ``size`` adjacent channels.

    Only maps are normalized: on (N, C) it is the identity.

    Args:
        channels: C, unused.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        size: number of channels in the sum, half of them on either side, >= 1.
        alpha: weight of the sum, > 0; torch's is ``size`` times as large, as it takes a mean.
        beta: exponent, > 0.
        k: added to the sum, > 0.
        placement: ``"after"`` the activation, as in the source, or ``"before"`` it.

    Raises:
        ValueError: a value is out of its range.

    Source: Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks,
    section 3.3.
    """
    for name, value in {"size": size, "alpha": alpha, "beta": beta, "k": k}.items():
        if value <= 0:
            raise ValueError(f"{name} must be > 0, got {value}")
    if spatial_dims == 0:
        return parts.with_placement(nn.Identity(), placement)
    return parts.with_placement(nn.LocalResponseNorm(size, alpha * size, beta, k), placement)

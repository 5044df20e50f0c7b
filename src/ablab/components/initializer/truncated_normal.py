"""Truncated normal initialization."""

from torch import nn

from ablab.components.initializer.layers import weights, zero_biases


def truncated_normal(module: nn.Module, std: float, limit: float) -> None:
    """Draw every weight from a normal distribution truncated at ``limit``, and zero every bias.

    Args:
        module: the whole network, changed in place.
        std: standard deviation before truncation, > 0; the same in every layer.
        limit: largest absolute value of a weight, > 0. A limit of 2 has no effect at a std of 0.02;
            at a limit of 2 ``std`` the resulting standard deviation is 0.88 ``std``.

    Raises:
        ValueError: a value is out of its range.

    Source: Liu et al. 2022, arXiv:2201.03545, and its authors' code, with its constants.
    """
    for name, value in (("std", std), ("limit", limit)):
        if not value > 0:
            raise ValueError(f"{name} must be > 0, got {value}")
    for weight in weights(module):
        nn.init.trunc_normal_(weight, std=std, a=-limit, b=limit)
    zero_biases(module)

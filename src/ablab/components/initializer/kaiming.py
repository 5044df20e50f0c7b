"""Kaiming (He) initialization."""

from typing import Literal

from torch import nn

from ablab.components.initializer.layers import weights, zero_biases


def kaiming(module: nn.Module, mode: Literal["fan_in", "fan_out"]) -> None:
    """Draw every weight from a normal distribution of variance 2 / fan, and zero every bias.

    Args:
        module: the whole network, changed in place.
        mode: ``"fan_in"`` keeps the variance of activations, ``"fan_out"`` that of gradients.

    Raises:
        ValueError: ``mode`` is neither.

    Source: He et al. 2015, arXiv:1502.01852, equations 10 and 14.
    """
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be one of fan_in, fan_out, got {mode}")
    for weight in weights(module):
        nn.init.kaiming_normal_(weight, mode=mode, nonlinearity="relu")
    zero_biases(module)

"""Kaiming (He) initialisation."""

from typing import Literal

from torch import Tensor, nn


def kaiming(module: nn.Module, batch: Tensor | None, mode: Literal["fan_in", "fan_out"]) -> None:
    """Draw every weight from a normal distribution of variance 2 / fan, and zero every bias.

    Args:
        module: the whole network; convolutions and linear layers are changed in place.
        batch: unused.
        mode: ``"fan_in"`` keeps the variance of activations, ``"fan_out"`` that of gradients.

    Raises:
        ValueError: ``mode`` is neither.

    Source: He et al. 2015, arXiv:1502.01852, equations 10 and 14.
    """
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be one of fan_in, fan_out, got {mode}")
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

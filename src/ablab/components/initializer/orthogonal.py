"""Orthogonal initialisation."""

import torch
from torch import nn

from ablab.components.initializer.layers import weights, zero_biases


def orthogonal(module: nn.Module, gain: float) -> None:
    """Draw every weight as gain times a random orthogonal matrix, and zero every bias.

    A weight is a matrix of its outputs by all else: its rows, or its columns where these are
    fewer, are orthogonal and of length gain. The variance is gain**2 / max(outputs, fan_in).

    Args:
        module: the whole network, changed in place.
        gain: of every layer, > 0; sqrt(2) suits ReLU.

    Raises:
        ValueError: ``gain`` is out of its range.

    Source: Saxe et al. 2014, arXiv:1312.6120, section 3; a kernel as one matrix is torch's.
    """
    if gain <= 0:
        raise ValueError(f"gain must be > 0, got {gain}")
    for weight in weights(module):
        drawn = torch.empty(weight.shape, dtype=weight.dtype, device=weight.device)
        weight.copy_(nn.init.orthogonal_(drawn, gain))
    zero_biases(module)

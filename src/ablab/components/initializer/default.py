"""Torch's default initialization."""

from torch import nn


def default(module: nn.Module) -> None:
    """Keep the weights that each layer drew when it was built.

    Convolutions and linear layers: uniform, variance 1 / (3 fan_in), biases likewise.

    Args:
        module: the whole network.

    Source: ``reset_parameters`` of torch's layers, after LeCun et al. 1998, Efficient BackProp.
    """

"""Xavier (Glorot) initialization."""

from torch import nn

from ablab.components.initializer.layers import weights, zero_biases


def xavier(module: nn.Module, gain: float) -> None:
    """Draw weights uniformly with variance 2 gain**2 / (fan_in + fan_out), and zero the biases.

    Args:
        module: the whole network, changed in place.
        gain: factor of the standard deviation, > 0; 1 in the source, 5/3 suits tanh.

    Raises:
        ValueError: ``gain`` is out of its range.

    Source: Glorot and Bengio 2010, AISTATS, equation 16.
    """
    if gain <= 0:
        raise ValueError(f"gain must be > 0, got {gain}")
    for weight in weights(module):
        nn.init.xavier_uniform_(weight, gain=gain)
    zero_biases(module)

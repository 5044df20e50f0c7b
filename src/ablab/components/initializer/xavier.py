"""Xavier (Glorot) initialisation."""

from torch import Tensor, nn


def xavier(module: nn.Module, batch: Tensor | None, gain: float) -> None:
    """Draw weights uniformly with variance 2 gain**2 / (fan_in + fan_out), and zero the biases.

    Args:
        module: the whole network; convolutions and linear layers are changed in place.
        batch: unused.
        gain: factor of the standard deviation, > 0; 1 in the source, 5/3 suits tanh.

    Raises:
        ValueError: ``gain`` is out of its range.

    Source: Glorot and Bengio 2010, AISTATS, equation 16.
    """
    if gain <= 0:
        raise ValueError(f"gain must be > 0, got {gain}")
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight, gain=gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

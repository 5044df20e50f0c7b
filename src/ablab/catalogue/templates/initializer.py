"""A custom initializer."""

from torch import nn

from ablab.components.initializer.layers import weights, zero_biases


def mine(module: nn.Module, gain: float) -> None:
    """Draw every weight uniformly with variance ``gain**2 / fan_in``, and zero every bias.

    Args:
        module: the whole network, changed in place.
        gain: > 0.

    Raises:
        ValueError: ``gain`` is out of its range.

    Source: ours; state the source here.
    """
    if gain <= 0:
        raise ValueError(f"gain must be > 0, got {gain}")
    for weight in weights(module):
        bound = gain * (3 / weight[0].numel()) ** 0.5
        nn.init.uniform_(weight, -bound, bound)
    zero_biases(module)

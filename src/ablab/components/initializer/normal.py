"""Normal initialization with a fixed standard deviation."""

from torch import nn

from ablab.components.initializer.layers import weights, zero_biases


def normal(module: nn.Module, std: float) -> None:
    """Draw every weight from a normal distribution of variance std**2, and zero every bias.

    The standard deviation does not depend on the number of inputs: activations shrink or grow from
    layer to layer unless they are normalized.

    Args:
        module: the whole network, changed in place.
        std: sigma, > 0.

    Raises:
        ValueError: ``std`` is out of its range.

    Source: Krizhevsky et al. 2012, section 5 (0.01). Ours: all biases are 0, in the source some
    are 1.
    """
    if std <= 0:
        raise ValueError(f"std must be > 0, got {std}")
    for weight in weights(module):
        nn.init.normal_(weight, std=std)
    zero_biases(module)

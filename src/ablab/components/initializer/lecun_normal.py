"""LeCun initialization, normal."""

from torch import nn

from ablab.components.initializer.layers import weights, zero_biases


def lecun_normal(module: nn.Module) -> None:
    """Draw every weight from a normal distribution of variance 1 / fan_in, and zero every bias.

    A linear layer then keeps the variance of its inputs, as SELU assumes.

    Args:
        module: the whole network, changed in place.

    Source: LeCun et al. 1998, Efficient BackProp, equation 16, and Klambauer et al. 2017,
    arXiv:1706.02515, for the normal form.
    """
    for weight in weights(module):
        nn.init.kaiming_normal_(weight, mode="fan_in", nonlinearity="linear")
    zero_biases(module)

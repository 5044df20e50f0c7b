"""Weight decay as a term of the loss."""

from collections.abc import Sequence

from ablab.reference.windows import Array


def weight_decay(weights: Sequence[Array], strength: float) -> float:
    """Return the penalty on large weights, added once to the mean loss of the batch.

    Formula:
        L = lambda/2 sum of w^2 over all weights; biases are excluded

    Args:
        weights: any shapes.
        strength: lambda, >= 0.

    Source: Hanson and Pratt 1988, Comparing biases for minimal network construction; Krogh and
        Hertz 1991, A simple weight decay can improve generalization.
    """
    return strength / 2 * float(sum((w**2).sum() for w in weights))


def weight_decay_gradient(weight: Array, strength: float) -> Array:
    """Return the gradient of `weight_decay` by one weight array.

    Formula:
        dw = lambda w

    Args:
        weight: any shape.
        strength: lambda, >= 0.

    Source: Krogh and Hertz 1991, equation 2.
    """
    return strength * weight

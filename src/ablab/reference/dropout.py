"""Dropout."""

from ablab.reference.windows import Array


def dropout(x: Array, kept: Array, p: float) -> Array:
    """Return the kept units, scaled so that the expectation is unchanged.

    Formula:
        y = x r / (1 - p),    r = 1 with probability 1 - p, else 0

    Args:
        x: any shape.
        kept: r, 0 or 1, the same shape; all 1 and p = 0 in testing.
        p: probability of zero, in [0, 1).

    Raises:
        ValueError: p is out of its range.

    Source: Srivastava et al. 2014, JMLR 15; scaled in training instead of in testing.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p must be in [0, 1), got {p}")
    return x * kept / (1 - p)


def dropout_gradient(dy: Array, kept: Array, p: float) -> Array:
    """Return the gradient of `dropout`: 0 for dropped units.

    Formula:
        dx = dy r / (1 - p)

    Args:
        dy: the gradient with respect to the output, any shape.
        kept: r, as in the forward pass.
        p: as in the forward pass.

    Source: Srivastava et al. 2014, JMLR 15, section 5.1.
    """
    return dropout(dy, kept, p)

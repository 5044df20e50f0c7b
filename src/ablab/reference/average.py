"""The exponentially weighted mean."""

import numpy as np

from ablab.reference.windows import Array


def weighted_mean(values: Array, beta: float, *, corrected: bool = True) -> Array:
    """Return the exponentially weighted mean up to each value.

    Formula:
        v[t] = beta v[t-1] + (1 - beta) x[t],    v[0] = 0,    vhat[t] = v[t] / (1 - beta^t)

    Without the correction the first means are biased towards zero.

    Args:
        values: x, (T, ...).
        beta: in [0, 1).
        corrected: return vhat instead of v.

    Returns:
        (T, ...).

    Raises:
        ValueError: beta is out of its range.

    Source: Kingma and Ba 2015, arXiv:1412.6980, section 3.
    """
    _check(beta)
    means = np.empty(values.shape)
    v = np.zeros(values.shape[1:])
    for t, x in enumerate(values, start=1):
        v = beta * v + (1 - beta) * x
        means[t - 1] = v / (1 - beta**t) if corrected else v
    return means


def window(beta: float) -> float:
    """Return the approximate number of values that the mean covers.

    Formula:
        1 / (1 - beta)

    It is a hyperbola in beta, not 'exponential' as the notes have it: from 0.9 to 0.9005 it goes
    from 10 to 10.05, from 0.999 to 0.9995 from 1000 to 2000.

    Args:
        beta: in [0, 1).

    Raises:
        ValueError: beta is out of its range.

    Source: the weights (1 - beta) beta^i have the mean age beta / (1 - beta), one less.

    Example:
        >>> round(window(0.9)), round(window(0.9005), 2), round(window(0.9995))
        (10, 10.05, 2000)
    """
    _check(beta)
    return 1 / (1 - beta)


def _check(beta: float) -> None:
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be in [0, 1), got {beta}")

"""Losses of absolute errors and their gradients: MAE, L1, MAPE.

Outputs y and targets t are (N, K). All are means over the N images, so that the gradient does not
scale with the batch size.
"""

import numpy as np

from ablab.reference.windows import Array


def mean_absolute_error(y: Array, t: Array) -> float:
    """Return the mean absolute error over images and classes.

    Formula:
        L = 1/(N K) sum_{n,k} |y[n, k] - t[n, k]|

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Willmott and Matsuura 2005, Advantages of the mean absolute error.
    """
    return float(np.abs(y - t).mean())


def mean_absolute_error_gradient(y: Array, t: Array) -> Array:
    """Return the gradient of `mean_absolute_error`; 0 at zero error.

    Formula:
        dy[n, k] = sign(y[n, k] - t[n, k]) / (N K)

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Willmott and Matsuura 2005; the value at zero error is torch's.
    """
    return np.sign(y - t) / y.size


def l1(y: Array, t: Array) -> float:
    """Return the sum of absolute errors over classes, averaged over images.

    Formula:
        L = 1/N sum_n sum_k |y[n, k] - t[n, k]|

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Janocha and Czarnecki 2017, arXiv:1702.05659, table 1.
    """
    return float(np.abs(y - t).sum() / len(y))


def l1_gradient(y: Array, t: Array) -> Array:
    """Return the gradient of `l1`; 0 at zero error.

    Formula:
        dy[n, k] = sign(y[n, k] - t[n, k]) / N

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Janocha and Czarnecki 2017, arXiv:1702.05659.
    """
    return np.sign(y - t) / len(y)


def mean_absolute_percentage_error(y: Array, t: Array, eps: float) -> float:
    """Return the mean absolute error relative to the target, or to eps for smaller targets.

    Formula:
        L = 1/(N K) sum_{n,k} |y[n, k] - t[n, k]| / max(|t[n, k]|, eps)

    It is a fraction, not a percentage: 1 is 100 %.

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).
        eps: > 0; with one-hot targets it divides the errors of all classes but one.

    Source: scikit-learn's mean_absolute_percentage_error.
    """
    return float((np.abs(y - t) / np.maximum(np.abs(t), eps)).mean())


def mean_absolute_percentage_error_gradient(y: Array, t: Array, eps: float) -> Array:
    """Return the gradient of `mean_absolute_percentage_error`; 0 at zero error.

    Formula:
        dy[n, k] = sign(y[n, k] - t[n, k]) / (max(|t[n, k]|, eps) N K)

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).
        eps: > 0.

    Source: scikit-learn's mean_absolute_percentage_error, differentiated.
    """
    dy: Array = np.sign(y - t) / (np.maximum(np.abs(t), eps) * y.size)
    return dy

"""Losses of squared errors and their gradients: half squared error, MSE, RMSE, L2, MSLE.

Outputs y and targets t are (N, K). All are means over the N images, so that the gradient does not
scale with the batch size.
"""

import numpy as np

from ablab.reference.windows import Array


def half_squared_error(y: Array, t: Array) -> float:
    """Return half the squared distance to the target, averaged over images.

    Formula:
        L = 1/N sum_n 1/2 sum_k (y[n, k] - t[n, k])^2

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Rumelhart et al. 1986, equation 3; LeCun et al. 1998, equation 8.
    """
    return float(((y - t) ** 2).sum() / (2 * len(y)))


def half_squared_error_gradient(y: Array, t: Array) -> Array:
    """Return the gradient of `half_squared_error`: the error.

    Formula:
        dy[n, k] = (y[n, k] - t[n, k]) / N

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Rumelhart et al. 1986, equation 4.
    """
    return (y - t) / len(y)


def mean_squared_error(y: Array, t: Array) -> float:
    """Return the mean squared error over images and classes.

    Formula:
        L = 1/(N K) sum_{n,k} (y[n, k] - t[n, k])^2

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Gauss 1809; Bishop 2006, section 1.1.
    """
    return float(((y - t) ** 2).mean())


def mean_squared_error_gradient(y: Array, t: Array) -> Array:
    """Return the gradient of `mean_squared_error`.

    Formula:
        dy[n, k] = 2 (y[n, k] - t[n, k]) / (N K)

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Bishop 2006, section 1.1.
    """
    return 2 * (y - t) / y.size


def root_mean_squared_error(y: Array, t: Array) -> float:
    """Return the root of the mean squared error.

    Formula:
        L = sqrt(1/(N K) sum_{n,k} (y[n, k] - t[n, k])^2)

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Bishop 2006, equation 1.3.
    """
    return float(np.sqrt(mean_squared_error(y, t)))


def root_mean_squared_error_gradient(y: Array, t: Array) -> Array:
    """Return the gradient of `root_mean_squared_error`; 0 at zero error.

    Formula:
        dy[n, k] = (y[n, k] - t[n, k]) / (N K L)

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Bishop 2006, equation 1.3; the value at zero error is ours.
    """
    root = root_mean_squared_error(y, t)
    return (y - t) / (y.size * root) if root > 0 else np.zeros_like(y)


def l2(y: Array, t: Array) -> float:
    """Return the sum of squared errors over classes, averaged over images.

    Formula:
        L = 1/N sum_n sum_k (y[n, k] - t[n, k])^2

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Janocha and Czarnecki 2017, arXiv:1702.05659, table 1.
    """
    return float(((y - t) ** 2).sum() / len(y))


def l2_gradient(y: Array, t: Array) -> Array:
    """Return the gradient of `l2`.

    Formula:
        dy[n, k] = 2 (y[n, k] - t[n, k]) / N

    Args:
        y: outputs, (N, K).
        t: targets, (N, K).

    Source: Janocha and Czarnecki 2017, arXiv:1702.05659.
    """
    return 2 * (y - t) / len(y)


def mean_squared_log_error(y: Array, t: Array) -> float:
    """Return the mean squared error of log(1 + x), which is finite for targets of zero.

    Formula:
        L = 1/(N K) sum_{n,k} (log(1 + y[n, k]) - log(1 + t[n, k]))^2

    Args:
        y: outputs, (N, K), > -1.
        t: targets, (N, K), > -1.

    Source: scikit-learn's mean_squared_log_error.
    """
    return float(((np.log1p(y) - np.log1p(t)) ** 2).mean())


def mean_squared_log_error_gradient(y: Array, t: Array) -> Array:
    """Return the gradient of `mean_squared_log_error`.

    Formula:
        dy[n, k] = 2 (log(1 + y[n, k]) - log(1 + t[n, k])) / ((1 + y[n, k]) N K)

    Args:
        y: outputs, (N, K), > -1.
        t: targets, (N, K), > -1.

    Source: scikit-learn's mean_squared_log_error, differentiated.
    """
    return 2 * (np.log1p(y) - np.log1p(t)) / ((1 + y) * y.size)

"""Batch normalization."""

import numpy as np

from ablab.reference.windows import Array


def batch_norm(
    x: Array, scale: Array, shift: Array, mean: Array, variance: Array, *, eps: float = 1e-8
) -> Array:
    """Return each channel normalized by mean and variance, then scaled and shifted.

    Formula:
        y = gamma (x - mu) / sqrt(sigma^2 + eps) + beta

    In training mu and sigma^2 are those of the batch (`moments`), in testing running ones. The
    notes normalize Z, a layer's sums, not A, its activations, as intended.

    Args:
        x: (N, C, ...).
        scale: gamma, (C,).
        shift: beta, (C,).
        mean: mu, (C,).
        variance: sigma^2, (C,), >= 0.
        eps: > 0; the notes' is 1e-8, torch's 1e-5.

    Returns:
        The shape of ``x``.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.
    """
    factor = scale / np.sqrt(variance + eps)
    return _wide(factor, x) * (x - _wide(mean, x)) + _wide(shift, x)


def moments(x: Array) -> tuple[Array, Array]:
    """Return the mean and the variance of each channel over batch and positions, (C,) each.

    Formula:
        mu[c] = mean of x[:, c, ...],    sigma^2[c] = mean of (x[:, c, ...] - mu[c])^2

    Args:
        x: (N, C, ...).

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1 and section 3.2.
    """
    return x.mean(axis=_others(x)), x.var(axis=_others(x))


def running_moments(running: tuple[Array, Array], x: Array, momentum: float) -> tuple[Array, Array]:
    """Return the running moments after one more batch.

    Formula:
        r <- (1 - m) r + m mu,    v <- (1 - m) v + m sigma^2 n / (n - 1)

    Args:
        running: r and v, (C,) each.
        x: (N, C, ...), the batch; n values a channel, >= 2.
        momentum: m, weight of the new batch, in [0, 1].

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2; the running mean is torch's.
    """
    mean, variance = moments(x)
    n = x.size // x.shape[1]
    new_mean: Array = (1 - momentum) * running[0] + momentum * mean
    new_variance: Array = (1 - momentum) * running[1] + momentum * variance * n / (n - 1)
    return new_mean, new_variance


def input_gradient(dy: Array, x: Array, scale: Array, *, eps: float = 1e-8) -> Array:
    """Return the gradient of `batch_norm` with respect to x, with the moments of the batch.

    Formula:
        dx = gamma / sqrt(sigma^2 + eps) (dy - mean(dy) - xhat mean(dy xhat)),
        xhat = (x - mu) / sqrt(sigma^2 + eps)

    Components of dy that are constant over the batch or proportional to xhat vanish. With running
    moments, dx = gamma / sqrt(v + eps) dy.

    Args:
        dy: the gradient with respect to the output, (N, C, ...).
        x: the input, (N, C, ...).
        scale: gamma, (C,).
        eps: as in the forward pass.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3, its six derivatives combined.
    """
    unit = normalized(x, *moments(x), eps=eps)
    through = dy - _wide(dy.mean(axis=_others(x)), x)
    through -= unit * _wide((dy * unit).mean(axis=_others(x)), x)
    return _wide(scale / np.sqrt(moments(x)[1] + eps), x) * through


def scale_gradient(dy: Array, unit: Array) -> Array:
    """Return the gradient of `batch_norm` with respect to gamma.

    Formula:
        dgamma[c] = sum of dy[:, c, ...] xhat[:, c, ...]

    Args:
        dy: the gradient with respect to the output, (N, C, ...).
        unit: xhat, the normalized input, (N, C, ...).

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.
    """
    total: Array = (dy * unit).sum(axis=_others(dy))
    return total


def shift_gradient(dy: Array) -> Array:
    """Return the gradient of `batch_norm` with respect to beta.

    Formula:
        dbeta[c] = sum of dy[:, c, ...]

    Args:
        dy: the gradient with respect to the output, (N, C, ...).

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.
    """
    total: Array = dy.sum(axis=_others(dy))
    return total


def normalized(x: Array, mean: Array, variance: Array, *, eps: float = 1e-8) -> Array:
    """Return xhat.

    Formula:
        xhat = (x - mu) / sqrt(sigma^2 + eps)

    Args:
        x: (N, C, ...).
        mean: mu, (C,).
        variance: sigma^2, (C,).
        eps: > 0.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.
    """
    return (x - _wide(mean, x)) / _wide(np.sqrt(variance + eps), x)


def _wide(values: Array, x: Array) -> Array:
    return values.reshape(1, -1, *[1] * (x.ndim - 2))


def _others(x: Array) -> tuple[int, ...]:
    return tuple(axis for axis in range(x.ndim) if axis != 1)

"""ReLU, leaky ReLU, PReLU and ELU, and their gradients."""

import numpy as np

from ablab.reference.windows import Array


def relu(z: Array) -> Array:
    """Return the positive part.

    Formula:
        f(z) = max(0, z)

    Args:
        z: any shape.

    Source: Nair and Hinton 2010, Rectified linear units improve restricted Boltzmann machines.
    """
    return np.maximum(z, 0)


def relu_gradient(da: Array, z: Array) -> Array:
    """Return the gradient of `relu`.

    Formula:
        f'(z) = [z > 0], 0 at 0

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.

    Source: Nair and Hinton 2010; the value at 0 is torch's.
    """
    return da * (z > 0)


def leaky_relu(z: Array, slope: float = 0.01) -> Array:
    """Return ReLU with a slope for negative inputs.

    Formula:
        f(z) = z for z > 0, else a z

    This equals max(a z, z) only if a <= 1 (the notes write max for any a).

    Args:
        z: any shape.
        slope: a.

    Source: Maas et al. 2013, Rectifier nonlinearities improve neural network acoustic models.
    """
    return np.where(z > 0, z, slope * z)


def leaky_relu_gradient(da: Array, z: Array, slope: float = 0.01) -> Array:
    """Return the gradient of `leaky_relu`.

    Formula:
        f'(z) = 1 for z > 0, else a

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.
        slope: a.

    Source: Maas et al. 2013; the value at 0 is torch's.
    """
    return np.where(z > 0, da, slope * da)


def prelu(z: Array, slope: Array) -> Array:
    """Return leaky ReLU with learned slopes, one per channel or one for all.

    Formula:
        f(z[n, c, ...]) = z for z > 0, else a[c] z

    Args:
        z: (N, C, ...).
        slope: a, (C,) or (1,).

    Source: He et al. 2015, arXiv:1502.01852, equation 1.
    """
    return np.where(z > 0, z, _per_channel(slope, z) * z)


def prelu_gradient(da: Array, z: Array, slope: Array) -> Array:
    """Return the gradient of `prelu` with respect to its input.

    Formula:
        f'(z[n, c, ...]) = 1 for z > 0, else a[c]

    Args:
        da: the gradient with respect to the output, (N, C, ...).
        z: the input, (N, C, ...).
        slope: a, (C,) or (1,).

    Source: He et al. 2015, arXiv:1502.01852, section 2.1.
    """
    return np.where(z > 0, da, _per_channel(slope, z) * da)


def prelu_slope_gradient(da: Array, z: Array, slope: Array) -> Array:
    """Return the gradient of `prelu` with respect to its slopes.

    Formula:
        df/da[c] = sum of da[n, c, ...] z[n, c, ...] where z <= 0

    Args:
        da: the gradient with respect to the output, (N, C, ...).
        z: the input, (N, C, ...).
        slope: a, (C,) or (1,).

    Returns:
        The shape of ``slope``.

    Source: He et al. 2015, arXiv:1502.01852, equations 3 and 4.
    """
    others = tuple(axis for axis in range(z.ndim) if axis != 1)
    sums: Array = (da * np.where(z > 0, 0, z)).sum(axis=others)
    return sums if len(slope) > 1 else sums.sum(keepdims=True)


def elu(z: Array, alpha: float = 1.0) -> Array:
    """Return the exponential linear unit, whose limit is -alpha.

    Formula:
        f(z) = z for z > 0, else alpha (e^z - 1)

    Args:
        z: any shape.
        alpha: > 0.

    Source: Clevert et al. 2016, arXiv:1511.07289, equation 15.
    """
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_gradient(da: Array, z: Array, alpha: float = 1.0) -> Array:
    """Return the gradient of `elu`.

    Formula:
        f'(z) = 1 for z > 0, else alpha e^z

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.
        alpha: > 0.

    Source: Clevert et al. 2016, arXiv:1511.07289, equation 15.
    """
    dz: Array = da * np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0)))
    return dz


def _per_channel(slope: Array, z: Array) -> Array:
    return slope.reshape(1, -1, *[1] * (z.ndim - 2))

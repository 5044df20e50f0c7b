"""The fully connected layer."""

from ablab.reference.windows import Array


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Return the weighted sums of a layer.

    Formula:
        z[n, k] = b[k] + sum_i w[k, i] x[n, i]

    Args:
        x: (N, I).
        weight: (K, I).
        bias: (K,).

    Returns:
        (N, K).

    Source: Rumelhart et al. 1986, Learning representations by back-propagating errors, equation 1.
    """
    z: Array = x @ weight.T
    return z if bias is None else z + bias


def input_gradient(dz: Array, weight: Array) -> Array:
    """Return the gradient of `linear` with respect to its input.

    Formula:
        dx[n, i] = sum_k w[k, i] dz[n, k]

    With the derivative of the activation, this is the back-propagation of residuals. The
    output residual of a half squared error is (a - y) f'(z): what the notes write as -(y - a).

    Args:
        dz: (N, K), the gradient with respect to the output.
        weight: (K, I).

    Source: Rumelhart et al. 1986, equation 7.
    """
    dx: Array = dz @ weight
    return dx


def weight_gradient(dz: Array, x: Array) -> Array:
    """Return the gradient of `linear` with respect to its weights.

    Formula:
        dw[k, i] = sum_n dz[n, k] x[n, i]

    Args:
        dz: (N, K), the gradient with respect to the output.
        x: (N, I), the input.

    Source: Rumelhart et al. 1986, equation 6.
    """
    dw: Array = dz.T @ x
    return dw


def bias_gradient(dz: Array) -> Array:
    """Return the gradient of `linear` with respect to its biases.

    Formula:
        db[k] = sum_n dz[n, k]

    Args:
        dz: (N, K), the gradient with respect to the output.

    Source: Rumelhart et al. 1986: a bias is the weight of an input that is always 1.
    """
    db: Array = dz.sum(axis=0)
    return db

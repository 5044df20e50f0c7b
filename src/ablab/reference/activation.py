"""Identity, step, sigmoid, tanh and softmax, and their gradients."""

import numpy as np

from ablab.reference.windows import Array


def identity(z: Array) -> Array:
    """Return the input; stacked layers without an activation are one linear layer.

    Formula:
        f(z) = z

    Args:
        z: any shape.

    Source: the linear control.
    """
    return z


def identity_gradient(da: Array, z: Array) -> Array:
    """Return the gradient of `identity`.

    Formula:
        f'(z) = 1

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.

    Source: the linear control.
    """
    return da


def step(z: Array) -> Array:
    """Return 1 for a positive input, else 0; for reference only, since its gradient is 0.

    Formula:
        f(z) = [z > 0]

    Args:
        z: any shape.

    Source: McCulloch and Pitts 1943, A logical calculus of the ideas immanent in nervous activity.
    """
    return (z > 0).astype(np.float64)


def step_gradient(da: Array, z: Array) -> Array:
    """Return the gradient of `step`, which is 0.

    Formula:
        f'(z) = 0, also at z = 0, where there is no derivative

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.

    Source: Minsky and Papert 1969, Perceptrons.
    """
    return np.zeros_like(da)


def sigmoid(z: Array) -> Array:
    """Return the logistic function, computed without overflow.

    Formula:
        f(z) = 1 / (1 + e^-z)

    Args:
        z: any shape.

    Source: Rumelhart et al. 1986, Learning representations by back-propagating errors, equation 2.
    """
    e = np.exp(-np.abs(z))
    a: Array = np.where(z >= 0, 1, e) / (1 + e)
    return a


def sigmoid_gradient(da: Array, z: Array) -> Array:
    """Return the gradient of `sigmoid`, at most a quarter of the incoming one.

    Formula:
        f'(z) = f(z) (1 - f(z))

    A small derivative may mean saturation, not convergence (the notes assume the latter).

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.

    Source: Rumelhart et al. 1986, equation 5.
    """
    e = np.exp(-np.abs(z))
    dz: Array = da * e / (1 + e) ** 2  # the same formula, accurate where f(z) rounds to 1
    return dz


def tanh(z: Array) -> Array:
    """Return the hyperbolic tangent, a sigmoid centered at zero.

    Formula:
        f(z) = (e^z - e^-z) / (e^z + e^-z)

    Args:
        z: any shape.

    Source: LeCun et al. 1998, Efficient BackProp, section 4.4.
    """
    return np.tanh(z)


def tanh_gradient(da: Array, z: Array) -> Array:
    """Return the gradient of `tanh`.

    Formula:
        f'(z) = 1 - f(z)^2

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.

    Source: LeCun et al. 1998, Efficient BackProp, section 4.4.
    """
    dz: Array = da * (1 - np.tanh(z) ** 2)
    return dz


def softmax(z: Array, axis: int = 1) -> Array:
    """Return probabilities that sum to 1; inputs are shifted by their maximum to avoid overflow.

    Formula:
        f(z)[k] = e^z[k] / sum_j e^z[j]

    Args:
        z: any shape.
        axis: over which they sum to 1.

    Source: Bridle 1990, Probabilistic interpretation of feedforward classification network outputs.
    """
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    a: Array = e / e.sum(axis=axis, keepdims=True)
    return a


def softmax_gradient(da: Array, z: Array, axis: int = 1) -> Array:
    """Return the gradient of `softmax`: each output depends on every input.

    Formula:
        dz[k] = f[k] (da[k] - sum_j da[j] f[j])

    Args:
        da: the gradient with respect to the output, any shape.
        z: the input, the same shape.
        axis: as in the forward pass.

    Source: Bridle 1990, as above.
    """
    a = softmax(z, axis)
    dz: Array = a * (da - (da * a).sum(axis=axis, keepdims=True))
    return dz

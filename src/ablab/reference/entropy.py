"""Cross entropies on logits and their gradients, with the activation as a part of the loss.

The squared error after a sigmoid learns slowly where the sigmoid is saturated, since its gradient
has the factor f'(z), which cancels here.
"""

import numpy as np
from numpy.typing import NDArray

from ablab.reference.activation import sigmoid, softmax
from ablab.reference.windows import Array


def one_hot(target: NDArray[np.int64], num_classes: int) -> Array:
    """Return 1 at each image's class, else 0.

    Formula:
        t[n, k] = [k = c[n]]

    Args:
        target: c, (N,) class indices in [0, K).
        num_classes: K.

    Returns:
        (N, K).

    Source: Bishop 2006, Pattern recognition and machine learning, section 4.1.2 (1-of-K).
    """
    return np.eye(num_classes)[target]


def softmax_cross_entropy(z: Array, t: Array) -> float:
    """Return the cross entropy of the softmax, averaged over images.

    Formula:
        L = -1/N sum_n sum_k t[n, k] log softmax(z[n])[k]

    With a class index c it is -log softmax(z)[c]: the sparse form, and equal to the one-hot one.

    Args:
        z: logits, (N, K).
        t: targets, (N, K): one-hot, or probabilities.

    Source: Bridle 1990, Probabilistic interpretation of feedforward classification network outputs.
    """
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-(t * log_p).sum() / len(z))


def softmax_cross_entropy_gradient(z: Array, t: Array) -> Array:
    """Return the gradient of `softmax_cross_entropy` with respect to the logits.

    Formula:
        dz[n, k] = (softmax(z[n])[k] sum_j t[n, j] - t[n, k]) / N

    Args:
        z: logits, (N, K).
        t: targets, (N, K); where they sum to 1, the sum drops out.

    Source: Bridle 1990, as above.
    """
    dz: Array = (softmax(z) * t.sum(axis=1, keepdims=True) - t) / len(z)
    return dz


def binary_cross_entropy(z: Array, t: Array) -> float:
    """Return the cross entropy of K sigmoids, summed over classes, averaged over images.

    Formula:
        L = -1/N sum_n sum_k (t log f(z) + (1 - t) log(1 - f(z))),    f the sigmoid
          = 1/N sum_n sum_k (max(z, 0) - z t + log(1 + e^-|z|)), which never overflows

    Args:
        z: logits, (N, K).
        t: targets, (N, K), in [0, 1].

    Source: Solla et al. 1988, Accelerated learning in layered neural networks; S3 of the notes
        (arXiv:1711.03278).
    """
    terms = np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
    return float(terms.sum() / len(z))


def binary_cross_entropy_gradient(z: Array, t: Array) -> Array:
    """Return the gradient of `binary_cross_entropy` with respect to the logits.

    Formula:
        dz[n, k] = (f(z[n, k]) - t[n, k]) / N,    f the sigmoid

    Args:
        z: logits, (N, K).
        t: targets, (N, K).

    Source: Solla et al. 1988, as above.
    """
    return (sigmoid(z) - t) / len(z)

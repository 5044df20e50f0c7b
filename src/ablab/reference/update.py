"""Update rules of optimizers. Each returns the new weight first."""

import numpy as np

from ablab.reference.windows import Array


def gradient_descent(w: Array, g: Array, *, lr: float) -> Array:
    """Return the weight after one step of gradient descent.

    Formula:
        w <- w - lr g

    With the gradient of all images it is batch gradient descent, of one image SGD, of several
    mini-batch gradient descent; the notes describe the last under the name of the first.

    Args:
        w: weight, any shape.
        g: gradient, the same shape.
        lr: > 0.

    Source: Cauchy 1847; Robbins and Monro 1951 for random images.
    """
    return w - lr * g


def momentum(w: Array, g: Array, v: Array, *, lr: float, beta: float = 0.9) -> tuple[Array, Array]:
    """Return weight and velocity of gradient descent with momentum.

    Formula:
        v <- beta v + g,    w <- w - lr v

    Args:
        w: weight, any shape.
        g: gradient.
        v: velocity, 0 at first.
        lr: > 0.
        beta: in [0, 1).

    Source: Polyak 1964, Some methods of speeding up the convergence of iteration methods; lr is
        outside the velocity, as in torch. The notes' (1 - beta) g is the same at lr / (1 - beta).
    """
    v = beta * v + g
    return w - lr * v, v


def adagrad(w: Array, g: Array, s: Array, *, lr: float, eps: float = 1e-10) -> tuple[Array, Array]:
    """Return weight and sum of squares of Adagrad.

    Formula:
        s <- s + g^2,    w <- w - lr g / (sqrt(s) + eps)

    Args:
        w: weight, any shape.
        g: gradient.
        s: sum of squared gradients, 0 at first.
        lr: > 0.
        eps: > 0.

    Source: Duchi et al. 2011, JMLR 12, figure 1.
    """
    s = s + g**2
    return w - lr * g / (np.sqrt(s) + eps), s


def adadelta(
    w: Array,
    g: Array,
    s: Array,
    d: Array,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
) -> tuple[Array, Array, Array]:
    """Return weight, mean squared gradient and mean squared step of Adadelta.

    Formula:
        s <- rho s + (1 - rho) g^2,    u = g sqrt(d + eps) / sqrt(s + eps),
        d <- rho d + (1 - rho) u^2,    w <- w - lr u

    Args:
        w: weight, any shape.
        g: gradient.
        s: mean of squared gradients, 0 at first.
        d: mean of squared steps, 0 at first.
        lr: 1 in the paper.
        rho: in [0, 1).
        eps: > 0.

    Source: Zeiler 2012, arXiv:1212.5701, algorithm 1.
    """
    s = rho * s + (1 - rho) * g**2
    u = g * np.sqrt(d + eps) / np.sqrt(s + eps)
    d = rho * d + (1 - rho) * u**2
    return w - lr * u, s, d


def adam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Array, Array, Array]:
    """Return weight, mean gradient and mean squared gradient of Adam.

    Formula:
        m <- beta1 m + (1 - beta1) g,    v <- beta2 v + (1 - beta2) g^2,
        w <- w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

    Args:
        w: weight, any shape.
        g: gradient.
        m: 0 at first.
        v: 0 at first.
        t: number of this step, from 1.
        lr: > 0.
        beta1: in [0, 1).
        beta2: in [0, 1).
        eps: > 0.

    Raises:
        ValueError: t is below 1, where the correction would divide by zero.

    Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.
    """
    if t < 1:
        raise ValueError(f"t must be >= 1, got {t}")
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v

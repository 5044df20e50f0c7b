"""Information, and the cross entropy that training lowers."""

import numpy as np

from ablab.reference.windows import Array


def information(p: Array) -> Array:
    """Return how much an event of probability p tells, in nats; nothing where it is certain.

    Formula:
        I = -log p

    Args:
        p: probability, in (0, 1], any shape; infinite at 0.

    Source: Shannon 1948, A mathematical theory of communication.
    """
    with np.errstate(divide="ignore"):
        told: Array = -np.log(p)
    return told + 0.0  # no negative zero


def cross_entropy(p: Array, q: Array) -> Array:
    """Return the mean information of events of probabilities p, to who believes q.

    Formula:
        H(p, q) = -sum_k p[k] log q[k],    0 log q = 0

    The notes lack the sum. With p = q it is the entropy of p, the least over all q.

    Args:
        p: (..., K), each sums to 1.
        q: (..., K), in (0, 1] wherever p > 0.

    Returns:
        (...), in nats.

    Source: Shannon 1948, section 6; Goodfellow et al. 2016, equation 3.51.
    """
    terms = np.where(p > 0, p * information(np.where(p > 0, q, 1)), 0)
    total: Array = terms.sum(axis=-1)
    return total

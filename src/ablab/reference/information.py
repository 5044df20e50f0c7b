"""Information content and cross entropy."""

import numpy as np

from ablab.reference.windows import Array


def information(p: Array) -> Array:
    """Return the information content of an event of probability p, in nats; 0 if it is certain.

    Formula:
        I = -log p

    Args:
        p: probability, in (0, 1], any shape; infinite at 0.

    Source: Shannon 1948, A mathematical theory of communication.
    """
    with np.errstate(divide="ignore"):
        content: Array = -np.log(p)
    return content + 0.0  # no negative zero


def cross_entropy(p: Array, q: Array) -> Array:
    """Return the mean information content under probabilities q of events with probabilities p.

    Formula:
        H(p, q) = -sum_k p[k] log q[k],    0 log q = 0

    The notes omit the sum. For p = q it is the entropy of p, its minimum over q.

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

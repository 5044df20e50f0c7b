"""Orthogonal initialization."""

import torch
from torch import Tensor, nn

from ablab.components.initializer.layers import weights, zero_biases


def orthogonal(module: nn.Module, gain: float) -> None:
    """Draw every weight as gain times a random orthogonal matrix, and zero every bias.

    A weight is taken as a matrix (outputs, fan_in): its rows, or its columns where these are fewer,
    are orthogonal and of length gain. The variance is gain**2 / max(outputs, fan_in).

    Args:
        module: the whole network, changed in place.
        gain: of every layer, > 0; sqrt(2) suits ReLU.

    Raises:
        ValueError: ``gain`` is out of its range.

    Source: Saxe et al. 2014, arXiv:1312.6120, section 3; a kernel as one matrix is torch's.
    """
    if gain <= 0:
        raise ValueError(f"gain must be > 0, got {gain}")
    for weight in weights(module):
        nn.init.normal_(weight)
        weight.copy_(gain * _orthogonal(weight.flatten(1)).view(weight.shape))
    zero_biases(module)


def _orthogonal(matrix: Tensor) -> Tensor:
    """Return the orthogonal factor of a normal matrix, uniformly distributed.

    As torch's ``orthogonal_``, which however draws into a new tensor: here the draws are in the
    weight itself, so that the random stream of each layer can be derived from its name.
    """
    rows, columns = matrix.shape
    q, r = torch.linalg.qr(matrix.T if rows < columns else matrix)
    q = q * r.diagonal().sign()
    drawn: Tensor = (q.T if rows < columns else q).contiguous()
    return drawn

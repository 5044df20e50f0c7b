"""L2 penalty (weight decay in the loss)."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter

from ablab.components.regularizer.regularizer import Regularizer


class L2(Regularizer):
    """Adds ``strength / 2`` times the sum of the squares of all weights to the mean loss.

    As a part of the gradient it enters the moments of an optimizer; for SGD it equals
    ``weight_decay`` on the weights alone. Biases are excluded.

    Args:
        named_params: names and parameters of the network (see `Regularizer` for the weights).
        strength: lambda, >= 0.

    Raises:
        ValueError: ``strength`` is out of its range.

    Source: Krogh and Hertz 1991, A simple weight decay can improve generalization.

    Example:
        >>> L2([("weight", Parameter(torch.full((2, 2), 3.0)))], strength=0.5).penalty().item()
        9.0
    """

    def __init__(self, named_params: Iterable[tuple[str, Parameter]], strength: float) -> None:
        if not strength >= 0:
            raise ValueError(f"strength must be >= 0, got {strength}")
        super().__init__(named_params)
        self.strength = strength

    def penalty(self) -> Tensor | None:
        """Return the scalar ``strength / 2 * sum(w**2)``, None without weights."""
        if not self.weights:
            return None
        return self.strength / 2 * torch.stack([w.square().sum() for w in self.weights]).sum()

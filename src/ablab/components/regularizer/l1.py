"""L1 penalty (lasso)."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter

from ablab.components.regularizer.regularizer import Regularizer


class L1(Regularizer):
    """Adds ``strength`` times the sum of the absolute values of all weights to the mean loss.

    The gradient of a zero weight is zero. Biases are excluded.

    Args:
        named_params: names and parameters of the network (see `Regularizer` for the weights).
        strength: lambda, >= 0.

    Raises:
        ValueError: ``strength`` is out of its range.

    Source: Tibshirani 1996, Regression shrinkage and selection via the lasso.

    Example:
        >>> L1([("weight", Parameter(torch.full((2, 2), -3.0)))], strength=0.5).penalty().item()
        6.0
    """

    def __init__(self, named_params: Iterable[tuple[str, Parameter]], strength: float) -> None:
        if not strength >= 0:
            raise ValueError(f"strength must be >= 0, got {strength}")
        super().__init__(named_params)
        self.strength = strength

    def penalty(self) -> Tensor | None:
        """Return the scalar ``strength * sum(abs(w))``, None without weights."""
        if not self.weights:
            return None
        return self.strength * torch.stack([w.abs().sum() for w in self.weights]).sum()

"""A custom regularizer."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter

from ablab.components.regularizer.regularizer import Regularizer


class Mine(Regularizer):
    """Adds ``strength * sum(log(1 + w**2))`` over all weights to the mean loss.

    Args:
        named_params: names and parameters of the network.
        strength: >= 0.

    Raises:
        ValueError: ``strength`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(self, named_params: Iterable[tuple[str, Parameter]], strength: float) -> None:
        if strength < 0:
            raise ValueError(f"strength must be >= 0, got {strength}")
        super().__init__(named_params)
        self.strength = strength

    def penalty(self) -> Tensor | None:
        """Return the scalar to add to the loss, None without weights."""
        if not self.weights:
            return None
        return self.strength * torch.stack([w.square().log1p().sum() for w in self.weights]).sum()

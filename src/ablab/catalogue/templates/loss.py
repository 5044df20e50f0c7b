"""A custom loss."""

import torch.nn.functional as F
from torch import Tensor, nn


class Mine(nn.Module):
    """The cross entropy of ``softmax(logits / temperature)``.

    Args:
        temperature: > 0.

    Raises:
        ValueError: ``temperature`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"temperature must be > 0, got {temperature}")
        self.temperature = temperature

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            logits: (N, K).
            target: (N,) class indices in [0, K), or (N, K) probabilities.
        """
        return F.cross_entropy(logits / self.temperature, target)

"""What one pass over a set of images saw."""

import torch
from torch import Tensor

# Looking whether the loss is finite makes a GPU wait: not at each step.
STEPS_BETWEEN_LOOKS = 32


class Tally:
    """What one pass over a set of images saw: kept step by step, summed up once an epoch.

    Attributes:
        predicted, target: (N,) class indices of each batch.
        loss: the mean loss of each batch, a scalar.
    """

    def __init__(self) -> None:
        self.predicted: list[Tensor] = []
        self.target: list[Tensor] = []
        self.loss: list[Tensor] = []

    def add(self, logits: Tensor, target: Tensor, loss: Tensor) -> None:
        """Keep one batch: logits (N, K), target (N,) or (N, K), loss a scalar."""
        self.predicted.append(logits.detach().argmax(1))
        self.target.append(target if target.ndim == 1 else target.argmax(1))
        self.loss.append(loss.detach())

    def is_finite(self) -> bool:
        """Tell whether the losses since the last look are."""
        return not self.loss or bool(torch.stack(self.loss[-STEPS_BETWEEN_LOOKS:]).isfinite().all())

"""What one pass over a set of images saw."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

# Looking whether the loss is finite makes a GPU wait: not at each step.
STEPS_BETWEEN_LOOKS = 32


class EpochOutputs:
    """What one pass over a set of images saw: kept step by step, summed up once an epoch.

    Attributes:
        predicted, target: (N,) class indices of each batch.
        loss: the mean loss of each batch, a scalar.
        penalty: the regularizer's at each batch, a scalar; empty where it has none.
    """

    def __init__(self) -> None:
        self.predicted: list[Tensor] = []
        self.target: list[Tensor] = []
        self.loss: list[Tensor] = []
        self.penalty: list[Tensor] = []

    def add(
        self, logits: Tensor, target: Tensor, loss: Tensor, penalty: Tensor | None = None
    ) -> None:
        """Keep one batch: logits (N, K), target (N,) or (N, K), loss and penalty scalars."""
        self.predicted.append(logits.detach().argmax(1))
        self.target.append(target if target.ndim == 1 else target.argmax(1))
        self.loss.append(loss.detach())
        if penalty is not None:
            self.penalty.append(penalty.detach())

    def is_finite(self) -> bool:
        """Tell whether losses and penalties since the last look are."""
        kept = (self.loss, self.penalty)
        recent = [torch.stack(k[-STEPS_BETWEEN_LOOKS:]) for k in kept if k]
        return all(bool(values.isfinite().all()) for values in recent)


class EpochMetrics(nn.Module):
    """Sums tallies up, over the images of all processes together.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.accuracy = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
        # NaN stays NaN; torchmetrics 1.9's "disable" would forget the weights.
        self.loss = MeanMetric(nan_strategy=math.nan)

    def of(self, outputs: EpochOutputs) -> dict[str, Any]:
        """Return ``loss`` and ``accuracy``, and ``penalty`` where the tally has one."""
        self.loss.reset()
        self.accuracy.reset()
        losses = torch.stack(outputs.loss)
        sizes = torch.tensor([len(t) for t in outputs.target], device=losses.device)
        self.loss.update(losses, sizes)
        self.accuracy.update(torch.cat(outputs.predicted), torch.cat(outputs.target))
        metrics = {"loss": self.loss.compute(), "accuracy": self.accuracy.compute()}
        if outputs.penalty:
            metrics["penalty"] = torch.stack(outputs.penalty).mean()
        return metrics

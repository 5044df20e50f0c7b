"""Loss and accuracy of one epoch over a set of images."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from ablab.lightning import torchmetrics

# Checking whether the loss is finite synchronizes with the GPU, so not at each step.
STEPS_BETWEEN_CHECKS = 32


class DivergedError(ArithmeticError):
    """The loss is NaN or infinite.

    Attributes:
        epoch: the epoch, from 0.
        step: the step of the epoch, from 0, by which it happened.
    """

    def __init__(self, epoch: int, step: int) -> None:
        self.epoch, self.step = epoch, step
        super().__init__(f"the loss was NaN or infinite by step {step} of epoch {epoch}")


class EpochOutputs:
    """Stores the outputs of each step of an epoch on the device.

    Metrics are computed once an epoch: torchmetrics' ``update`` costs 57 to 142 us a step on a CPU.

    Attributes:
        predicted, target: (N,) class indices of each batch.
        loss: mean loss of each batch, scalars.
        penalty: the regularizer's penalty at each batch, scalars; empty if it has none.
    """

    def __init__(self) -> None:
        self.predicted: list[Tensor] = []
        self.target: list[Tensor] = []
        self.loss: list[Tensor] = []
        self.penalty: list[Tensor] = []

    def add(
        self, logits: Tensor, target: Tensor, loss: Tensor, penalty: Tensor | None = None
    ) -> None:
        """Store one batch: logits (N, K), target (N,) or (N, K), loss and penalty scalars."""
        self.predicted.append(logits.detach().argmax(1))
        self.target.append(target if target.ndim == 1 else target.argmax(1))
        self.loss.append(loss.detach())
        if penalty is not None:
            self.penalty.append(penalty.detach())

    def is_finite(self) -> bool:
        """Return whether the losses and penalties since the last check are finite."""
        values = (self.loss, self.penalty)
        recent = [torch.stack(v[-STEPS_BETWEEN_CHECKS:]) for v in values if v]
        return all(bool(r.isfinite().all()) for r in recent)


class EpochMetrics(nn.Module):
    """Computes the metrics of an epoch over the images of all processes.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.accuracy = torchmetrics.classification.MulticlassAccuracy(
            num_classes, average="micro", validate_args=False
        )
        # NaN stays NaN; "disable" of torchmetrics 1.9 would ignore the weights.
        self.loss = torchmetrics.MeanMetric(nan_strategy=math.nan)

    def compute(self, outputs: EpochOutputs) -> dict[str, Any]:
        """Return ``loss`` and ``accuracy``, and ``penalty`` if there is one."""
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

"""The test images that a network misclassifies with the highest confidence."""

import torch
from torch import Tensor

MOST = 25


class Mistakes:
    """Keeps the most confident mistakes of the batches seen so far, on their device.

    Attributes:
        images: (n, C, H, W), as the network got them, n <= ``MOST``.
        target, predicted: (n,), class indices.
        confidence: (n,), the probability of the predicted class; the highest first.
    """

    def __init__(self) -> None:
        self.images: Tensor | None = None
        self.target = self.predicted = torch.empty(0, dtype=torch.long)
        self.confidence = torch.empty(0)

    def add(self, images: Tensor, target: Tensor, predicted: Tensor, confidence: Tensor) -> None:
        """Add one batch: images (N, C, H, W), target, predicted and confidence (N,)."""
        # -1 instead of a selection by a mask, whose size a GPU would have to report at each step.
        wrong = torch.where(predicted != target, confidence, -1.0).nan_to_num(nan=-1.0)
        # Of the batch first: its images are not copied to be compared with those before.
        values = _highest(images, target, predicted, wrong)
        if self.images is not None:
            before = self.images, self.target, self.predicted, self.confidence
            values = _highest(*map(torch.cat, zip(before, values, strict=True)))
        self.images, self.target, self.predicted, self.confidence = values


def _highest(
    images: Tensor, target: Tensor, predicted: Tensor, confidence: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the ``MOST`` with the highest confidence, of equal ones the first."""
    # Sorted and not `topk`, which does not say which of equal values it takes.
    chosen = confidence.sort(descending=True, stable=True).indices[:MOST]
    return images[chosen], target[chosen], predicted[chosen], confidence[chosen]

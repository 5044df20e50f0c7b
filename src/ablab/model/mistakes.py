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
        if self.images is not None:
            images = torch.cat([self.images, images])
            target = torch.cat([self.target, target])
            predicted = torch.cat([self.predicted, predicted])
            wrong = torch.cat([self.confidence, wrong])
        # Sorted and not `topk`, which does not say which of equal values it takes.
        chosen = wrong.sort(descending=True, stable=True).indices[:MOST]
        self.images, self.confidence = images[chosen], wrong[chosen]
        self.target, self.predicted = target[chosen], predicted[chosen]

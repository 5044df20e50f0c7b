"""Binary cross entropy of each class."""

import torch.nn.functional as F
from torch import Tensor, nn

from ablab.components.loss.output_loss import to_probabilities, upcast


class BinaryCrossEntropy(nn.Module):
    """The cross entropy of K sigmoid outputs with one-hot targets, summed over classes.

    The mean over images of ``-sum(y log(a) + (1 - y) log(1 - a))`` with ``a`` the sigmoid of the
    logits, computed on logits, so that it is finite everywhere. torch's BCEWithLogitsLoss divides
    by the number of classes as well.

    Source: Bishop 1995, Neural networks for pattern recognition, equation 6.145.

    Example:
        >>> import torch
        >>> BinaryCrossEntropy()(torch.zeros(1, 4), torch.tensor([2]))
        tensor(2.7726)
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            logits: (N, K).
            target: (N,) class indices in [0, K), or (N, K) probabilities.
        """
        logits = upcast(logits)
        target = to_probabilities(target, logits)
        total = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
        return total / len(logits)

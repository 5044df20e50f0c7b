"""The Kullback-Leibler divergence."""

import torch.nn.functional as F
from torch import Tensor, nn

from ablab.components.loss.output_loss import to_probabilities, upcast


class KL(nn.Module):
    """The divergence of the softmax from the target, summed over classes, averaged over images.

    It is the cross entropy minus the entropy of the target: equal to the cross entropy for class
    indices, zero where softmax and a soft target agree. The gradient is the cross entropy's. A
    class of probability zero contributes nothing.

    Source: Kullback and Leibler 1951, On information and sufficiency, equation 2.4.

    Example:
        >>> import torch
        >>> KL()(torch.zeros(1, 4), torch.full((1, 4), 0.25))
        tensor(0.)
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss, in nats.

        Args:
            logits: (N, K).
            target: (N,) class indices in [0, K), or (N, K) probabilities.
        """
        logits = upcast(logits)
        return F.kl_div(
            logits.log_softmax(1), to_probabilities(target, logits), reduction="batchmean"
        )

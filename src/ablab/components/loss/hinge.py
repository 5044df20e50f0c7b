"""The multiclass hinge loss."""

import torch
from torch import Tensor, nn

from ablab.components.loss.output_loss import to_probabilities, upcast


class Hinge(nn.Module):
    """The shortfall of the true class's logit to the largest other one plus a margin.

    The mean over images of ``max(0, margin + max(z_j, j != y) - z_y)``. For a soft target it is the
    expectation: the loss of each class, weighted by the class's probability.

    Args:
        margin: required lead of the true class, in units of the logits, > 0.

    Raises:
        ValueError: ``margin`` is out of its range.

    Source: Crammer and Singer 2001, JMLR 2, section 3. torch's MultiMarginLoss is Weston and
    Watkins's: it sums over the other classes, and does not support soft targets.

    Example:
        >>> Hinge(margin=1.0)(torch.tensor([[2.0, 0.5, 1.5]]), torch.tensor([0]))
        tensor(0.5000)
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        if not margin > 0:
            raise ValueError(f"margin must be > 0, got {margin}")
        self.margin = margin

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            logits: (N, K), K >= 2.
            target: (N,) class indices in [0, K), or (N, K) probabilities.
        """
        logits = upcast(logits)
        values, indices = logits.topk(2)
        others = torch.where(
            torch.arange(logits.shape[1], device=logits.device) == indices[:, :1],
            values[:, 1:],
            values[:, :1],
        )
        short = (self.margin + others - logits).clamp_min(0)
        return (to_probabilities(target, logits) * short).sum(1).mean()

    def extra_repr(self) -> str:
        """Return the hyper-parameter, for printing."""
        return f"margin={self.margin}"

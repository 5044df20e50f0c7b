"""The focal loss."""

import torch
from torch import Tensor, nn

from ablab.components.loss.output_loss import to_probabilities, upcast


class Focal(nn.Module):
    """The cross entropy, down-weighted for well-classified images.

    The mean over images of ``-sum(y (1 - p)**gamma log(p))`` with ``p`` the softmax of the logits;
    at ``gamma`` 0 it is the cross entropy. For a soft target it is the expectation over classes.

    Args:
        gamma: strength of the down-weighting, >= 0.

    Raises:
        ValueError: ``gamma`` is out of its range.

    Source: Lin et al. 2017, arXiv:1708.02002, equation 4; on the softmax instead of sigmoids, and
    without class weights.

    Example:
        >>> Focal(gamma=2.0)(torch.zeros(1, 2), torch.tensor([1]))
        tensor(0.1733)
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        if not gamma >= 0:
            raise ValueError(f"gamma must be >= 0, got {gamma}")
        self.gamma = gamma

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss, in nats.

        Args:
            logits: (N, K).
            target: (N,) class indices in [0, K), or (N, K) probabilities.
        """
        logs = upcast(logits).log_softmax(1)
        # Clamped, since the gradient of 0**gamma is infinite for gamma < 1.
        rest = (-logs.expm1()).clamp_min(torch.finfo(logs.dtype).tiny)
        return -(to_probabilities(target, logs) * rest**self.gamma * logs).sum(1).mean()

    def extra_repr(self) -> str:
        """Return the hyper-parameter, for printing."""
        return f"gamma={self.gamma}"

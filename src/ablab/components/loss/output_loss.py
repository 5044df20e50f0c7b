"""The base class of losses on outputs, and conversions of logits and targets."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class OutputLoss(nn.Module):
    """Computes a distance of outputs in [0, 1] to one-hot targets.

    Outputs are computed in float32 or higher precision.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: LeCun et al. 1998, equation 8, for outputs compared with one target per class.
    """

    def __init__(self, output: str) -> None:
        super().__init__()
        if output not in ("softmax", "sigmoid"):
            raise ValueError(f"output must be one of softmax, sigmoid, got {output}")
        self.output = output

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            logits: (N, K).
            target: (N,) class indices in [0, K), or (N, K) probabilities.
        """
        logits = upcast(logits)
        outputs = logits.softmax(1) if self.output == "softmax" else logits.sigmoid()
        return self.distance(outputs, to_probabilities(target, logits))

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Return the hyper-parameter, for printing."""
        return f"output={self.output}"


def upcast(logits: Tensor) -> Tensor:
    """Return logits in float32 or higher: bfloat16 is too coarse for logarithms and sums."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def to_probabilities(target: Tensor, logits: Tensor) -> Tensor:
    """Return targets as probabilities (N, K); class indices (N,) become one-hot."""
    if target.ndim == 1:
        target = F.one_hot(target, logits.shape[1])
    return target.to(logits.dtype)

"""Mean squared error on class probabilities."""

import torch.nn.functional as F
from torch import Tensor, nn


class Mse(nn.Module):
    """The squared distance of outputs to one-hot targets, averaged over images and classes.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, what turns logits into outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: LeCun et al. 1998, equation 8, on outputs in [0, 1] and divided by the classes too.

    Example:
        >>> import torch
        >>> Mse("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(0.2500)
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
        if target.ndim == 1:
            target = F.one_hot(target, logits.shape[1])
        outputs = logits.softmax(1) if self.output == "softmax" else logits.sigmoid()
        return F.mse_loss(outputs, target.to(outputs.dtype))

    def extra_repr(self) -> str:
        """Return the hyper-parameter, for printing."""
        return f"output={self.output}"

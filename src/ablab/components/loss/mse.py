"""Mean squared error on class probabilities."""

import torch.nn.functional as F
from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class MSE(OutputLoss):
    """The squared distance of outputs to one-hot targets, averaged over images and classes.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: LeCun et al. 1998, equation 8, on outputs in [0, 1], here also divided by the number of
    classes.

    Example:
        >>> import torch
        >>> MSE("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(0.2500)
    """

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        return F.mse_loss(outputs, target)

"""Mean absolute error on class probabilities."""

import torch.nn.functional as F
from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class MAE(OutputLoss):
    """The absolute distance of outputs to one-hot targets, averaged over images and classes.

    At zero error the gradient is zero.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: Ghosh et al. 2017, arXiv:1712.09482, here also divided by the number of classes.

    Example:
        >>> import torch
        >>> MAE("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(0.5000)
    """

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        return F.l1_loss(outputs, target)

"""Mean squared logarithmic error on class probabilities."""

import torch.nn.functional as F
from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class MSLE(OutputLoss):
    """The squared distance of ``log(1 + output)`` to ``log(1 + target)``, averaged over all.

    The mean is over images and classes. Targets of zero are valid: ``log(1 + 0)`` is zero. At zero
    error the gradient is zero.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: the definition; scikit-learn's mean_squared_log_error over all values.

    Example:
        >>> import torch
        >>> MSLE("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(0.1440)
    """

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        return F.mse_loss(outputs.log1p(), target.log1p())

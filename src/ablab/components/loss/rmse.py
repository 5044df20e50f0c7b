"""Root mean squared error on class probabilities."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class RMSE(OutputLoss):
    """The root of the mean squared distance of outputs to one-hot targets.

    The root of the mean over the batch's images and classes: the loss of a set is not the mean of
    the losses of its batches. At zero error the gradient, which has no limit there, is zero.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: the definition; scikit-learn's root_mean_squared_error over all values.

    Example:
        >>> import torch
        >>> RMSE("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(0.5000)
    """

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        mean = F.mse_loss(outputs, target)
        # sqrt(1) instead of sqrt(0), whose gradient is infinite; the product then sets it to 0.
        return torch.where(mean > 0, mean, 1.0).sqrt() * (mean > 0)

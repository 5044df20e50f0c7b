"""Half the squared error."""

from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class HalfSquaredError(OutputLoss):
    """Half the squared distance of outputs to one-hot targets, summed over classes.

    The mean over images of ``sum((y - a)**2) / 2``, whose derivative by an output is ``a - y``.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: Rumelhart et al. 1986, Learning representations by back-propagating errors, equation 3,
    divided by the number of images.

    Example:
        >>> import torch
        >>> HalfSquaredError("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(0.5000)
    """

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        return (outputs - target).square().sum(1).mean() / 2

"""The absolute error, summed over classes."""

from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class L1(OutputLoss):
    """The absolute distance of outputs to one-hot targets, summed over classes.

    The mean over images of ``sum(abs(y - a))``: K times the mean absolute error. At zero error
    the gradient is zero.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: Janocha and Czarnecki 2017, arXiv:1702.05659, table 1 (``L1 o sigma``).

    Example:
        >>> import torch
        >>> L1("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(2.)
    """

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        return (outputs - target).abs().sum(1).mean()

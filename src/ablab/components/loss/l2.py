"""The squared error, summed over classes."""

from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class L2(OutputLoss):
    """The squared distance of outputs to one-hot targets, summed over classes.

    The mean over images of ``sum((y - a)**2)``: K times the mean squared error, and twice the half
    squared error.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.

    Raises:
        ValueError: ``output`` is neither.

    Source: Janocha and Czarnecki 2017, arXiv:1702.05659, table 1 (``L2 o sigma``).

    Example:
        >>> import torch
        >>> L2("sigmoid")(torch.zeros(1, 4), torch.tensor([2]))
        tensor(1.)
    """

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        return (outputs - target).square().sum(1).mean()

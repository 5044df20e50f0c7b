"""Mean absolute percentage error on class probabilities."""

from torch import Tensor

from ablab.components.loss.output_loss import OutputLoss


class MAPE(OutputLoss):
    """The absolute error as a share of the target, averaged over images and classes.

    A target below ``floor`` counts as ``floor``, which avoids a division by zero. With one-hot
    targets an error at another class thus weighs ``1 / floor`` times one at the image's own. The
    loss is a fraction, 1 for 100 %. At zero error the gradient is zero.

    Args:
        output: ``"softmax"`` or ``"sigmoid"``, the function from logits to outputs.
        floor: smallest divisor, in (0, 1].

    Raises:
        ValueError: a value is out of its range.

    Source: de Myttenaere et al. 2016, arXiv:1605.02541. ``floor`` is ours; scikit-learn uses the
    machine epsilon.

    Example:
        >>> import torch
        >>> MAPE("sigmoid", floor=0.5)(torch.zeros(1, 4), torch.tensor([2]))
        tensor(0.8750)
    """

    def __init__(self, output: str, floor: float) -> None:
        super().__init__(output)
        if not 0 < floor <= 1:
            raise ValueError(f"floor must be in (0, 1], got {floor}")
        self.floor = floor

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the scalar distance of outputs (N, K) to targets (N, K)."""
        return ((outputs - target).abs() / target.clamp_min(self.floor)).mean()

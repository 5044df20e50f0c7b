"""A logistic sigmoid with the slope of the hyperbolic tangent."""

from torch import Tensor, nn


class MatchedSigmoid(nn.Module):
    """``sigmoid(4 * slope * x)``, elementwise: ``slope`` is its derivative at 0.

    The control for whether tanh trains better than sigmoid because it is steeper: with slope 1, as
    tanh has, it differs from sigmoid in its slope alone. Its range is (0, 1).

    Args:
        channels: C, unused.
        slope: derivative at 0, > 0; 1 for tanh, 1/4 for sigmoid.

    Raises:
        ValueError: ``slope`` is out of its range.

    Source: ours, a control; the question is LeCun et al. 1998, Efficient BackProp, section 4.4.

    Example:
        >>> import torch
        >>> x = torch.zeros(1, requires_grad=True)
        >>> MatchedSigmoid(1, slope=1.0)(x).backward()
        >>> x.grad
        tensor([1.])
    """

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        if slope <= 0:
            raise ValueError(f"slope must be > 0, got {slope}")
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Return values in (0, 1), of the shape of ``x``."""
        return (4 * self.slope * x).sigmoid()

    def extra_repr(self) -> str:
        """Return the hyper-parameter, for printing."""
        return f"slope={self.slope}"

"""A hyperbolic tangent that is not centered on zero."""

from torch import Tensor, nn


class ShiftedTanh(nn.Module):
    """``tanh(x) + shift``, elementwise: the derivative of tanh, but another mean.

    The control for whether tanh trains well because its outputs are centered on zero: it differs
    from tanh in the offset alone. With shift 1 its range is (0, 2), and it equals
    ``2 * sigmoid(2 * x)``.

    Args:
        channels: C, unused.
        shift: offset, any number; 0 is tanh.

    Source: ours, a control; the question is LeCun et al. 1998, Efficient BackProp, section 4.4.

    Example:
        >>> import torch
        >>> ShiftedTanh(1, shift=1.0)(torch.tensor([-99.0, 0.0, 99.0]))
        tensor([0., 1., 2.])
    """

    def __init__(self, channels: int, shift: float) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x: Tensor) -> Tensor:
        """Return values in (shift - 1, shift + 1), of the shape of ``x``."""
        return x.tanh() + self.shift

    def extra_repr(self) -> str:
        """Return the hyper-parameter, for printing."""
        return f"shift={self.shift}"

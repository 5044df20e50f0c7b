"""LeCun's scaled hyperbolic tangent."""

from torch import Tensor, nn


class ScaledTanh(nn.Module):
    """``amplitude * tanh(slope * x)``, elementwise.

    With 1.7159 and 2/3 it maps 1 to 1 and -1 to -1, where its curvature is greatest.

    Args:
        channels: C, unused.
        amplitude: of the output, > 0; the source's A.
        slope: factor of the input, > 0; the source's S.

    Raises:
        ValueError: a value is out of its range.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, appendix A.

    Example:
        >>> import torch
        >>> ScaledTanh(1, amplitude=1.7159, slope=2 / 3)(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([-1.0000,  0.0000,  1.0000])
    """

    def __init__(self, channels: int, amplitude: float, slope: float) -> None:
        super().__init__()
        if amplitude <= 0:
            raise ValueError(f"amplitude must be > 0, got {amplitude}")
        if slope <= 0:
            raise ValueError(f"slope must be > 0, got {slope}")
        self.amplitude, self.slope = amplitude, slope

    def forward(self, x: Tensor) -> Tensor:
        """Return values in (-amplitude, amplitude), of the shape of ``x``."""
        return self.amplitude * (self.slope * x).tanh()

    def extra_repr(self) -> str:
        """Return the hyper-parameters, for printing."""
        return f"amplitude={self.amplitude}, slope={self.slope}"

"""Lp pooling."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LpPool(nn.Module):
    """The p-norm of each window: ``sum(|x|**p)**(1/p)``, or ``mean(|x|**p)**(1/p)``.

    Each window is divided by its largest magnitude first, so that no power overflows; as the norm
    is homogeneous, the factor is a constant for the gradient. A window of zeros has gradient 0.
    Border pixels count neither in the sum nor in the mean.

    Args:
        channels: C, unused.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        padding: border on each side, in pixels, at most half of ``kernel_size``.
        p: exponent, finite, >= 1; 1 is the mean magnitude, large p approaches the maximum.
        form: ``"mean"``, the power mean, or ``"sum"``, the norm, as in torch's LPPool2d.

    Raises:
        ValueError: a value is out of its range.

    Source: Sermanet et al. 2012, arXiv:1204.3968, section 2.2. Ours: magnitudes, the mean form.

    Example:
        >>> pool = LpPool(1, kernel_size=2, stride=2, padding=0, p=2.0, form="sum")
        >>> pool(torch.tensor([[[[3.0, 0.0], [0.0, -4.0]]]]))
        tensor([[[[5.]]]])
    """

    def __init__(
        self, channels: int, kernel_size: int, stride: int, padding: int, *, p: float, form: str
    ) -> None:
        super().__init__()
        if not 1 <= p < math.inf:
            raise ValueError(f"p must be finite and >= 1, got {p}")
        if form not in ("mean", "sum"):
            raise ValueError(f"form must be one of mean, sum, got {form}")
        if not 0 <= 2 * padding <= kernel_size:
            raise ValueError(f"padding must be in [0, kernel_size / 2], got {padding}")
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.p, self.form = p, form

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H', W') with H' = floor((H + 2 padding - kernel_size) / stride) + 1.

        Args:
            x: (N, C, H, W), any sign.
        """
        tiny = torch.finfo(x.dtype).tiny
        windows = self._windows(x.abs())
        largest = windows.detach().amax(0).clamp_min(tiny)
        powers = (windows / largest).pow(self.p).sum(0)
        if self.form == "mean":
            powers = powers / self._windows(torch.ones_like(x[:1, :1])).sum(0)
        return largest * (powers + tiny).pow(1 / self.p)

    def _windows(self, x: Tensor) -> Tensor:
        """Return (kernel_size**2, N, C, H', W'): reductions over the first axis are fastest."""
        padded = F.pad(x, (self.padding,) * 4)
        size, stride = self.kernel_size, self.stride
        windows = padded.unfold(2, size, stride).unfold(3, size, stride)
        return windows.movedim((-2, -1), (0, 1)).flatten(0, 1)

    def extra_repr(self) -> str:
        """Return the hyper-parameters, for printing."""
        return f"p={self.p}, form={self.form}, kernel_size={self.kernel_size}"

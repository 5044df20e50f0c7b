"""Stochastic pooling."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablab.components.batch_generator import draw


class StochasticPool(nn.Module):
    """Draw one value of each window with a probability proportional to it, during training.

    In evaluation it is their mean under these probabilities, ``sum(a**2) / sum(a)``. Negative
    values count as 0; a window without positive values gives 0.

    Args:
        channels: C, unused.
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        padding: border of zeros on each side, in pixels; zeros are never drawn.
        generator: source of the draws, used for nothing else; any device.

    Source: Zeiler and Fergus 2013, arXiv:1301.3557, section 3. Ours: negative values, which do
    not occur after their ReLU.

    Example:
        >>> pool = StochasticPool(1, 2, 2, 0, torch.Generator().manual_seed(0))
        >>> pool.eval()(torch.tensor([[[[3.0, 0.0], [0.0, 1.0]]]])).item()
        2.5
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        stride: int,
        padding: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H', W') with H' = floor((H + 2 padding - kernel_size) / stride) + 1.

        Args:
            x: (N, C, H, W).
        """
        padded = F.pad(x.relu(), (self.padding,) * 4)
        size, stride = self.kernel_size, self.stride
        windows = padded.unfold(2, size, stride).unfold(3, size, stride)
        values = windows.movedim((-2, -1), (0, 1)).flatten(0, 1)  # (kernel_size**2, N, C, H', W')
        if self.training:
            return values.gather(0, self._draw(values.detach())[None])[0]
        total = values.sum(0).clamp_min(torch.finfo(x.dtype).tiny)
        return (values * (values / total)).sum(0)

    def _draw(self, values: Tensor) -> Tensor:
        """Return the index of the drawn value of each window, by inverse transform sampling."""
        sums = values.float().cumsum(0)
        share = draw(
            self.generator,
            values.shape[1:],
            lambda share: share.uniform_(generator=self.generator),
        )
        index = (sums <= share.to(values.device) * sums[-1]).sum(0)
        return index.clamp_max(len(values) - 1)  # past the end where all are 0

    def extra_repr(self) -> str:
        """Return the window, for printing."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"

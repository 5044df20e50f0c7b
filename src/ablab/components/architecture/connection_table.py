"""LeNet-5's layer C3, a convolution with a sparse table of connections."""

import torch
from torch import Tensor, nn

# The input maps (of six, S2) of each of the sixteen output maps (C3).
_THREES = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5]]
_FOURS = [
    *([0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5]),
    *([0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]),
]
TABLE = (*_THREES, *_FOURS, [0, 1, 2, 3, 4, 5])


class TableConv2d(nn.Module):
    """Sixteen maps from six: six have three input maps, nine have four, and one has all.

    Implemented as three convolutions, the first two grouped by map, so that only existing weights
    are stored (1,516 parameters for 5x5) and an initializer uses each map's number of inputs.

    Args:
        kernel_size: side of a kernel, in pixels, >= 1.

    Source: LeCun et al. 1998, table I.
    """

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        self.threes = nn.Conv2d(18, 6, kernel_size, groups=6)
        self.fours = nn.Conv2d(36, 9, kernel_size, groups=9)
        self.all = nn.Conv2d(6, 1, kernel_size)
        self.register_buffer("read_by_threes", torch.tensor(_THREES).flatten(), persistent=False)
        self.register_buffer("read_by_fours", torch.tensor(_FOURS).flatten(), persistent=False)

    read_by_threes: Tensor
    read_by_fours: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (N, 16, H', W') of maps (N, 6, H, W), without padding."""
        threes = self.threes(x.index_select(1, self.read_by_threes))
        fours = self.fours(x.index_select(1, self.read_by_fours))
        return torch.cat([threes, fours, self.all(x)], 1)

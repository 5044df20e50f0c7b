"""The convolution of LeNet-5's layer C3, which joins some maps with some."""

import torch
from torch import Tensor, nn

# Which of the six maps of S2 each of the sixteen maps of C3 reads.
_THREES = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5]]
_FOURS = [
    *([0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5]),
    *([0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]),
]
TABLE = (*_THREES, *_FOURS, [0, 1, 2, 3, 4, 5])


class TableConv2d(nn.Module):
    """Sixteen maps from six: six read three of them, nine read four, and one reads all.

    As three convolutions, the first two grouped by map, so that only weights that exist are
    stored (1,516 for 5x5) and an initializer sees each map's own number of inputs.

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
        """Return (N, 16, H', W') of maps (N, 6, H, W), unpadded."""
        threes = self.threes(x.index_select(1, self.read_by_threes))
        fours = self.fours(x.index_select(1, self.read_by_fours))
        return torch.cat([threes, fours, self.all(x)], 1)

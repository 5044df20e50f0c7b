"""LeNet-5 of 1998: trainable subsampling, table I, radial basis functions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

COMPONENTS = ["activation=scaled_tanh", "pooling=trainable_subsampling"]

# Input maps (S2) of the six maps of C3 with three inputs, and of the nine with four.
THREES = [0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 0, 4, 5, 0, 1, 5]
FOURS = [
    *(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 0, 3, 4, 5, 0, 1, 4, 5, 0, 1, 2, 5),
    *(0, 1, 3, 4, 1, 2, 4, 5, 0, 2, 3, 5),
]


def squash(x: Tensor) -> Tensor:
    """Return the paper's hyperbolic tangent."""
    return 1.7159 * torch.tanh(2 / 3 * x)


class Subsampling(nn.Module):
    """Sum over windows, with one weight and one bias per map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 0.25))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the subsampled map."""
        return F.avg_pool2d(x, 2, divisor_override=1) * self.weight + self.bias


class Table(nn.Module):
    """The convolution of table I, grouped by the number of input maps."""

    def __init__(self) -> None:
        super().__init__()
        self.threes = nn.Conv2d(18, 6, 5, groups=6)
        self.fours = nn.Conv2d(36, 9, 5, groups=9)
        self.all = nn.Conv2d(6, 1, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Return sixteen maps."""
        threes = self.threes(x[:, THREES])
        fours = self.fours(x[:, FOURS])
        return torch.cat([threes, fours, self.all(x)], 1)


class Codes(nn.Module):
    """The output layer."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.zeros(num_classes, 84))

    def forward(self, x: Tensor) -> Tensor:
        """Return the negative squared distance to each code."""
        return -(x[:, None] - self.codes).square().sum(2)


class Plain(nn.Module):
    """The network."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.c1, self.s2 = nn.Conv2d(3, 6, 5), Subsampling(6)
        self.c3, self.s4 = Table(), Subsampling(16)
        self.c5, self.f6 = nn.Linear(400, 120), nn.Linear(120, 84)
        self.output = Codes(num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = squash(self.s2(squash(self.c1(x))))
        x = squash(self.s4(squash(self.c3(x))))
        return self.output(squash(self.f6(squash(self.c5(x.flatten(1))))))


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    return Plain(num_classes)

"""The modules of Inception v3: parallel branches, concatenated along the channels."""

from functools import partial

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following, conv_unit


class Concat(nn.Module):
    """Applies each branch to the same input and concatenates the outputs along the channels.

    Source: Szegedy et al. 2016, arXiv:1512.00567, and the code that its authors published.
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, sum of the branches' channels, H', W')."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def first_module(
    inputs: int, pooled: int, pooling: parts.Pooling, following: Following
) -> nn.Module:
    """Return figure 5's module, with 5x5 in one branch: 224 + ``pooled`` channels."""
    unit = partial(conv_unit, **following)
    return Concat(
        unit(inputs, 64, 1),
        nn.Sequential(unit(inputs, 48, 1), unit(48, 64, 5)),
        nn.Sequential(unit(inputs, 64, 1), unit(64, 96, 3), unit(96, 96, 3)),
        nn.Sequential(pooling(inputs, 3, 1, 1), unit(inputs, pooled, 1)),
    )


def reduction(inputs: int, following: Following) -> nn.Module:
    """Return figure 10's module: halves the map and adds 480 channels."""
    unit = partial(conv_unit, **following)
    return Concat(
        unit(inputs, 384, 3, 2, padding=0),
        nn.Sequential(unit(inputs, 64, 1), unit(64, 96, 3), unit(96, 96, 3, 2, padding=0)),
        nn.MaxPool2d(3, stride=2),
    )


def factorized_module(
    inputs: int, width: int, pooling: parts.Pooling, following: Following
) -> nn.Module:
    """Return figure 6's module, 7x7 as 1x7 and 7x1: 768 channels, ``width`` within branches."""
    unit = partial(conv_unit, **following)
    row, column = (1, 7), (7, 1)
    return Concat(
        unit(inputs, 192, 1),
        nn.Sequential(unit(inputs, width, 1), unit(width, width, row), unit(width, 192, column)),
        nn.Sequential(
            unit(inputs, width, 1),
            unit(width, width, column),
            unit(width, width, row),
            unit(width, width, column),
            unit(width, 192, row),
        ),
        nn.Sequential(pooling(inputs, 3, 1, 1), unit(inputs, 192, 1)),
    )


def second_reduction(inputs: int, following: Following) -> nn.Module:
    """Return the second reduction: halves the map and adds 512 channels."""
    unit = partial(conv_unit, **following)
    return Concat(
        nn.Sequential(unit(inputs, 192, 1), unit(192, 320, 3, 2, padding=0)),
        nn.Sequential(
            unit(inputs, 192, 1),
            unit(192, 192, (1, 7)),
            unit(192, 192, (7, 1)),
            unit(192, 192, 3, 2, padding=0),
        ),
        nn.MaxPool2d(3, stride=2),
    )


def wide_module(inputs: int, pooling: parts.Pooling, following: Following) -> nn.Module:
    """Return figure 7's module, 1x3 and 3x1 in parallel: 2048 channels."""
    unit = partial(conv_unit, **following)

    def cross() -> nn.Module:
        return Concat(unit(384, 384, (1, 3)), unit(384, 384, (3, 1)))

    return Concat(
        unit(inputs, 320, 1),
        nn.Sequential(unit(inputs, 384, 1), cross()),
        nn.Sequential(unit(inputs, 448, 1), unit(448, 384, 3), cross()),
        nn.Sequential(pooling(inputs, 3, 1, 1), unit(inputs, 192, 1)),
    )

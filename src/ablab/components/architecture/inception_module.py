"""The inception module of GoogLeNet and its variants."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following, conv_norm, conv_unit

Five = Literal["5x5", "two_3x3", "3x3"]
Bottleneck = Literal["activated", "linear", "none"]


class Inception(nn.Module):
    """Four parallel branches: 1x1; 1x1 and 3x3; 1x1 and 5x5; pooling and 1x1.

    Args:
        inputs: input channels.
        widths: channels of: 1x1; reduction and 3x3; reduction and 5x5; 1x1 after the pooling; six.
        five: kind of the third branch's convolution.
        bottleneck: kind of the reductions.
        pooling: builder, of 3x3 windows of stride 1; max in the source.
        following: builders after each convolution.

    Attributes:
        outputs: output channels.

    Source: Szegedy et al. 2015, arXiv:1409.4842, figure 2. Two 3x3 for a 5x5 are those of Szegedy
    et al. 2016, arXiv:1512.00567, section 3.1: channels grow by the same factor in both.
    """

    def __init__(
        self,
        inputs: int,
        widths: Sequence[int],
        *,
        five: Five,
        bottleneck: Bottleneck,
        pooling: parts.Pooling,
        following: Following,
    ) -> None:
        super().__init__()
        one, to_three, three, to_five, fives, pooled = widths
        self.outputs = one + three + fives + pooled
        reduce = partial(reduction, inputs, bottleneck=bottleneck, following=following)
        last = [3, 3] if five == "two_3x3" else [int(five[0])]
        self.branches = nn.ModuleList(
            [
                conv_unit(inputs, one, 1, **following),
                nn.Sequential(*reduce(to_three, three, [3])),
                nn.Sequential(*reduce(to_five, fives, last)),
                nn.Sequential(pooling(inputs, 3, 1, 1), conv_unit(inputs, pooled, 1, **following)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H, W)."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def reduction(
    inputs: int,
    reduced: int,
    outputs: int,
    kernel_sizes: list[int],
    *,
    bottleneck: Bottleneck,
    following: Following,
) -> list[nn.Module]:
    """Return a 1x1 convolution to fewer channels, and one or two convolutions on these.

    Between two convolutions the number of channels is the geometric mean of ``reduced`` and
    ``outputs``, for every bottleneck.

    Args:
        inputs: input channels.
        reduced: channels after the 1x1 convolution.
        outputs: output channels.
        kernel_sizes: sides of the convolutions, in pixels.
        bottleneck: the 1x1 convolution with activation, without activation, or omitted.
        following: builders after each convolution.
    """
    layers: list[nn.Module] = []
    if bottleneck == "activated":
        layers.append(conv_unit(inputs, reduced, 1, **following))
    elif bottleneck == "linear":
        layers.append(conv_norm(inputs, reduced, 1, 1, following["normalization"]))
    widths = [inputs if bottleneck == "none" else reduced]
    widths += [round(math.sqrt(reduced * outputs))] * (len(kernel_sizes) - 1) + [outputs]
    shapes = zip(widths, widths[1:], kernel_sizes, strict=False)
    return layers + [conv_unit(*shape, **following) for shape in shapes]

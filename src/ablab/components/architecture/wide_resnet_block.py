"""The block of wide residual networks."""

from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following
from ablab.components.architecture.pre_activation import pre_conv


class WideBlock(nn.Module):
    """Two pre-activated 3x3 convolutions with a dropout in between, and a shortcut.

    Args:
        inputs: input channels.
        outputs: output channels.
        stride: of the first convolution, in pixels.
        depth: number of the block, from 1, over the number of blocks.
        dropout: builder.
        following: builders of normalization and activation before each convolution.

    Source: Zagoruyko and Komodakis 2016, arXiv:1605.07146, figure 1d; where channels change the
    1x1 shortcut starts from the activated input, as in their code.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int,
        *,
        depth: float,
        dropout: parts.Dropout,
        following: Following,
    ) -> None:
        super().__init__()
        *before, first = pre_conv(inputs, outputs, 3, stride, following)
        self.activation = nn.Sequential(*before)
        *middle, second = pre_conv(outputs, outputs, 3, 1, following)
        self.residual = nn.Sequential(
            first,
            *middle,
            parts.dropout_at("units", dropout),
            parts.dropout_at("maps", dropout),
            second,
            parts.dropout_at("branches", dropout, depth),
        )
        self.shortcut: nn.Module | None = None
        if (inputs, stride) != (outputs, 1):
            bias = first.bias is not None
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, ceil(H / stride), ceil(W / stride))."""
        activated = self.activation(x)
        out: Tensor = self.residual(activated)
        return out + (x if self.shortcut is None else self.shortcut(activated))

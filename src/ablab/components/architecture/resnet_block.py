"""The blocks of residual networks, and their shortcuts."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import act_after_sum, conv_norm

Shortcut = Literal["padded", "projected", "none"]


class PaddedShortcut(nn.Module):
    """Every ``stride``-th pixel, with channels of zeros appended.

    Source: He et al. 2016, arXiv:1512.03385, section 3.3, option A.
    """

    def __init__(self, new_channels: int, stride: int) -> None:
        super().__init__()
        self.new_channels, self.stride = new_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C + new_channels, ceil(H / stride), ceil(W / stride))."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))


class Block(nn.Module):
    """Two 3x3 convolutions, or 1x1, 3x3, 1x1, with or without a shortcut.

    The activation follows the sum. The stride is in the (first) 3x3 convolution. Spatial dropout
    acts before the last convolution, stochastic depth on the branch.

    Args:
        inputs: input channels.
        outputs: output channels.
        stride: of the block, in pixels.
        depth: number of the block, from 1, over the number of blocks.
        inner: channels of the 3x3 convolution between two 1x1; None for two 3x3.
        shortcut: its kind where the shape changes (elsewhere it is the identity), or ``"none"``.
        activation: builder.
        normalization: builder.
        dropout: builder.

    Source: He et al. 2016, arXiv:1512.03385, figure 5 and options A and B; ours: the stride of a
    bottleneck is in its 3x3 convolution, as in torchvision; in the source it is in the first.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int,
        depth: float,
        *,
        inner: int | None,
        shortcut: Shortcut,
        activation: parts.Activation,
        normalization: parts.Normalization,
        dropout: parts.Dropout,
    ) -> None:
        super().__init__()
        shapes = [(inputs, outputs, 3, stride), (outputs, outputs, 3, 1)]
        if inner is not None:
            shapes = [(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
        layers: list[nn.Module] = []
        for shape in shapes[:-1]:
            convolution = conv_norm(*shape, normalization)
            layers += [convolution, act_after_sum(shape[1], activation, normalization)]
        layers.append(parts.dropout_at("maps", dropout))
        layers.append(conv_norm(*shapes[-1], normalization))
        if shortcut != "none":
            layers.append(parts.dropout_at("branches", dropout, depth))
        self.residual = nn.Sequential(*layers)
        self.shortcut: nn.Module | None = nn.Identity()
        if shortcut == "none":
            self.shortcut = None
        elif (inputs, stride) != (outputs, 1):
            self.shortcut = (
                conv_norm(inputs, outputs, 1, stride, normalization)
                if shortcut == "projected"
                else PaddedShortcut(outputs - inputs, stride)
            )
        self.activation = act_after_sum(outputs, activation, normalization)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, ceil(H / stride), ceil(W / stride))."""
        out: Tensor = self.residual(x)
        if self.shortcut is not None:
            out = out + self.shortcut(x)
        activated: Tensor = self.activation(out)
        return activated

"""ConvNeXt with a 3x3 stem, and linear layers as 1x1 convolutions, as in the authors' code."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

COMPONENTS = ["normalization=layer", "normalization.over=channels", "activation=gelu"]


class MapNorm(nn.LayerNorm):
    """Layer normalization over the channels of each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized map."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """The ConvNeXt block."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), scale))
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output map."""
        out = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        out = self.gamma * self.linear2(F.gelu(self.linear1(out)))
        return x + out.permute(0, 3, 1, 2)


def plain(num_classes: int, blocks: list[int], widths: list[int], layer_scale: float) -> nn.Module:
    """Return the network."""
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, padding=1), MapNorm(widths[0])]
    for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
        if stage > 0:
            layers += [MapNorm(widths[stage - 1]), nn.Conv2d(widths[stage - 1], width, 2, stride=2)]
        layers += [Block(width, layer_scale) for _ in range(count)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(widths[-1])]
    return nn.Sequential(*layers, *head, nn.Linear(widths[-1], num_classes))

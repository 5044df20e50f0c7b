"""GoogLeNet with batch normalization, and first layers for 32-pixel images."""

import torch
from torch import Tensor, nn

COMPONENTS = ["normalization=batch"]
Pair = tuple[int, int]  # channels of the 1x1 reduction, and of the convolution after it


def conv(inputs: int, outputs: int, size: int) -> nn.Sequential:
    """Return a convolution with its normalization and activation."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class Inception(nn.Module):
    """The inception module."""

    def __init__(self, inputs: int, one: int, three: Pair, five: Pair, pooled: int) -> None:
        super().__init__()
        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(conv(inputs, three[0], 1), conv(*three, 3))
        self.branch3 = nn.Sequential(conv(inputs, five[0], 1), conv(*five, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inputs, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the concatenated maps of the branches."""
        branches = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return torch.cat(branches, 1)


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    return nn.Sequential(
        conv(3, 64, 3),
        conv(64, 64, 1),
        conv(64, 192, 3),
        Inception(192, 64, (96, 128), (16, 32), 32),
        Inception(256, 128, (128, 192), (32, 96), 64),
        nn.MaxPool2d(3, 2, 1),
        Inception(480, 192, (96, 208), (16, 48), 64),
        Inception(512, 160, (112, 224), (24, 64), 64),
        Inception(512, 128, (128, 256), (24, 64), 64),
        Inception(512, 112, (144, 288), (32, 64), 64),
        Inception(528, 256, (160, 320), (32, 128), 128),
        nn.MaxPool2d(3, 2, 1),
        Inception(832, 256, (160, 320), (32, 128), 128),
        Inception(832, 384, (192, 384), (48, 128), 128),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(1024, num_classes),
    )

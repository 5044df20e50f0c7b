"""Residual networks with a first layer for 32-pixel images, and the same without shortcuts."""

import torch.nn.functional as F
from torch import Tensor, nn

COMPONENTS = ["normalization=batch"]


class Shortcut(nn.Module):
    """Option A: subsampled input, with zeros for the new channels."""

    def __init__(self, new: int, stride: int) -> None:
        super().__init__()
        self.new, self.stride = new, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return the padded map."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))


def shortcut_of(kind: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return the shortcut of a block."""
    if (inputs, stride) == (outputs, 1):
        return nn.Sequential()
    if kind == "padded":
        return Shortcut(outputs - inputs, stride)
    conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Basic(nn.Module):
    """Basic block: two 3x3 convolutions."""

    def __init__(self, inputs: int, width: int, stride: int, kind: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = None if kind == "none" else shortcut_of(kind, inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output map."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out if self.shortcut is None else out + self.shortcut(x))


class Bottleneck(nn.Module):
    """Bottleneck block: 1x1, 3x3 and 1x1 convolutions."""

    def __init__(self, inputs: int, width: int, stride: int, kind: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.shortcut = None if kind == "none" else shortcut_of(kind, inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output map."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return F.relu(out if self.shortcut is None else out + self.shortcut(x))


def plain(num_classes: int, blocks: list[int], width: int, block: str, shortcut: str) -> nn.Module:
    """Return the network."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1, bias=False)]
    layers += [nn.BatchNorm2d(width), nn.ReLU()]
    channels = width
    for stage, count in enumerate(blocks):
        for index in range(count):
            stride = 2 if stage > 0 and index == 0 else 1
            build = Basic if block == "basic" else Bottleneck
            layers.append(build(channels, width * 2**stage, stride, shortcut))
            channels = width * 2**stage * (1 if block == "basic" else 4)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers, *head)

"""DenseNet-BC."""

import torch
from torch import Tensor, nn

COMPONENTS = ["normalization=batch", "pooling=mean"]


class Layer(nn.Module):
    """The dense layer."""

    def __init__(self, inputs: int, growth: int, inner: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the input map and the new channels, concatenated."""
        new = self.conv1(self.bn1(x).relu())
        new = self.conv2(self.bn2(new).relu())
        return torch.cat([x, new], 1)


def plain(
    num_classes: int, blocks: list[int], growth: int, bottleneck: int, compression: float
) -> nn.Module:
    """Return the network."""
    channels = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for index, count in enumerate(blocks):
        if index > 0:
            kept = int(channels * compression)
            layers += [nn.BatchNorm2d(channels), nn.ReLU()]
            layers += [nn.Conv2d(channels, kept, 1, bias=False), nn.AvgPool2d(2)]
            channels = kept
        for _ in range(count):
            layers.append(Layer(channels, growth, bottleneck * growth))
            channels += growth
    head = [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *head, nn.Linear(channels, num_classes))

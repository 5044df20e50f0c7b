"""Wide residual networks."""

import torch.nn.functional as F
from torch import Tensor, nn

COMPONENTS = ["normalization=batch"]


class Block(nn.Module):
    """Two convolutions with pre-activation."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None
        if (inputs, stride) != (outputs, 1):
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output map."""
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + (x if self.shortcut is None else self.shortcut(active))


def plain(num_classes: int, depth: int, width: int) -> nn.Module:
    """Return the network."""
    channels, count = 16, (depth - 4) // 6
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for stage in range(3):
        for index in range(count):
            outputs = 16 * 2**stage * width
            layers.append(Block(channels, outputs, 2 if stage > 0 and index == 0 else 1))
            channels = outputs
    head = [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *head, nn.Linear(channels, num_classes))

"""MobileNet, with a first convolution of stride 1 for 32-pixel images."""

from torch import nn

COMPONENTS = ["normalization=batch"]
SEPARABLE = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)),
)


def conv(inputs: int, outputs: int, size: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """Return a convolution with its normalization and activation."""
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU()]


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    layers = conv(3, 32, 3, 1)
    channels = 32
    for outputs, stride in SEPARABLE:
        layers += conv(channels, channels, 3, stride, groups=channels)
        layers += conv(channels, outputs, 1, 1)
        channels = outputs
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers, *head)

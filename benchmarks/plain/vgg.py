"""VGG-16 with batch normalization and one linear layer, for 32-pixel images."""

from torch import nn

COMPONENTS = ["normalization=batch"]
CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs in CHANNELS:
        if outputs == 0:
            layers.append(nn.MaxPool2d(2))
            continue
        layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, num_classes))

"""AlexNet for 32-pixel images, as in bearpaw/pytorch-classification, with batch normalization."""

from torch import nn

COMPONENTS = ["normalization=batch"]


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=5),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.BatchNorm2d(192),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.BatchNorm2d(384),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, num_classes),
    )

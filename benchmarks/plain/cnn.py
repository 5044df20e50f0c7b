"""Two convolutions with pooling, and a linear layer."""

from torch import nn

COMPONENTS: list[str] = []


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 8 * 8, num_classes),
    )

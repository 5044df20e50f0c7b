"""LeNet-5 of the S0 notes: sigmoid units, mean pooling, weights drawn with Xavier's gain 4."""

from torch import nn

COMPONENTS = [
    *("activation=sigmoid", "pooling=mean", "initializer=xavier", "initializer.gain=4.0"),
]


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 5),
        nn.Sigmoid(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Sigmoid(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Sigmoid(),
        nn.Linear(120, 84),
        nn.Sigmoid(),
        nn.Linear(84, num_classes),
    )

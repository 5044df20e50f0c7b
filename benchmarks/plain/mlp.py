"""The multilayer perceptron."""

from torch import nn

COMPONENTS: list[str] = []


def plain(num_classes: int, widths: list[int]) -> nn.Module:
    """Return the network."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = 3 * 32 * 32
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, num_classes))

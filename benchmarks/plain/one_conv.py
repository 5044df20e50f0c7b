"""One convolution of the gray image, pooling, and fully connected layers."""

from torch import Tensor, nn

COMPONENTS: list[str] = []


class Plain(nn.Module):
    """The network."""

    def __init__(self, num_classes: int, channels: int, widths: list[int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(channels * 16 * 16, widths[0]),
            nn.ReLU(),
            nn.Linear(widths[0], widths[1]),
            nn.ReLU(),
            nn.Linear(widths[1], num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.layers(x.mean(1, keepdim=True))


def plain(num_classes: int, channels: int, widths: list[int]) -> nn.Module:
    """Return the network."""
    return Plain(num_classes, channels, widths)

"""Two strided convolutions over the rows of an image, and a linear layer."""

from torch import Tensor, nn

COMPONENTS: list[str] = []


class Plain(nn.Module):
    """The network."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(3 * 32, 64, 5, stride=2, padding=2)
        self.conv2 = nn.Conv1d(64, 128, 5, stride=2, padding=2)
        self.linear = nn.Linear(128 * 8, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = x.permute(0, 3, 1, 2).flatten(1, 2)
        x = self.conv1(x).relu()
        x = self.conv2(x).relu()
        return self.linear(x.flatten(1))


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    return Plain(num_classes)

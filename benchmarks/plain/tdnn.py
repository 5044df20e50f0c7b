"""A time-delay network over the rows of an image."""

from torch import Tensor, nn

COMPONENTS: list[str] = []


class Plain(nn.Module):
    """The network."""

    def __init__(self, num_classes: int, channels: list[int], delays: list[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(3 * 32, channels[0], delays[0] + 1)
        self.conv2 = nn.Conv1d(channels[0], channels[1], delays[1] + 1)
        self.linear = nn.Linear(channels[1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = x.permute(0, 3, 1, 2).flatten(1, 2)
        x = self.conv1(x).relu()
        x = self.conv2(x).relu()
        return self.linear(x.mean(2))


def plain(num_classes: int, channels: list[int], delays: list[int], **_: object) -> nn.Module:
    """Return the network."""
    return Plain(num_classes, channels, delays)

"""LSTM and GRU over the rows of an image."""

from torch import Tensor, nn

COMPONENTS: list[str] = []


class Plain(nn.Module):
    """The network."""

    def __init__(self, num_classes: int, cell: str, hidden: int) -> None:
        super().__init__()
        recurrent = nn.LSTM if cell == "lstm" else nn.GRU
        self.recurrent = recurrent(3 * 32, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        states, _ = self.recurrent(x.permute(0, 2, 3, 1).flatten(2))
        return self.linear(states[:, -1])


def plain(num_classes: int, cell: str, hidden: int, **_: object) -> nn.Module:
    """Return the network."""
    return Plain(num_classes, cell, hidden)

"""Elman's network over the rows of an image, with one bias; torch's nn.RNN has two."""

from torch import Tensor, nn

COMPONENTS: list[str] = []


class Plain(nn.Module):
    """The network."""

    def __init__(self, num_classes: int, hidden: int) -> None:
        super().__init__()
        self.input = nn.Linear(3 * 32, hidden)
        self.context = nn.Linear(hidden, hidden, bias=False)
        self.linear = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        driven = self.input(x.permute(0, 2, 3, 1).flatten(2))
        state = driven[:, 0].relu()
        for step in range(1, driven.shape[1]):
            state = (driven[:, step] + self.context(state)).relu()
        return self.linear(state)


def plain(num_classes: int, hidden: int, **_: object) -> nn.Module:
    """Return the network."""
    return Plain(num_classes, hidden)

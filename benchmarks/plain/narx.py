"""NARX over the rows of an image: the inputs of each step are the last inputs and outputs."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

COMPONENTS: list[str] = []


class Plain(nn.Module):
    """The network."""

    def __init__(
        self, num_classes: int, hidden: int, input_delays: int, output_delays: int
    ) -> None:
        super().__init__()
        self.taps, self.delays, self.classes = input_delays + 1, output_delays, num_classes
        self.input = nn.Linear(3 * 32 * self.taps, hidden)
        self.feedback = nn.Linear(output_delays * num_classes, hidden, bias=False)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output after the last step."""
        rows = F.pad(x.permute(0, 2, 3, 1).flatten(2), (0, 0, self.taps - 1, 0))
        driven = self.input(rows.unfold(1, self.taps, 1).flatten(2))
        past = [x.new_zeros(len(x), self.classes)] * self.delays
        for step in range(driven.shape[1]):
            fed = self.feedback(torch.cat(past, 1))
            past = [*past[1:], self.output(torch.relu(driven[:, step] + fed))]
        return past[-1]


def plain(
    num_classes: int, hidden: int, input_delays: int, output_delays: int, **_: object
) -> nn.Module:
    """Return the network."""
    return Plain(num_classes, hidden, input_delays, output_delays)

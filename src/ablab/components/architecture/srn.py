"""The layer of Elman's simple recurrent network."""

import torch
from torch import Tensor, nn

from ablab.components import parts


class SimpleRecurrent(nn.Module):
    """One recurrent layer: h(t) = f(W x(t) + U h(t-1) + b), h(0) = 0.

    It has the interface of torch's ``nn.RNN(batch_first=True)`` and equals it for tanh and ReLU,
    but f is any activation. The products of the inputs are computed for all steps at once, so that
    a step costs one product and f.

    Args:
        features: F of a step, >= 1.
        hidden: units H, >= 1.
        activation: builder of f, called once: all steps share the module.

    Source: Elman 1990, Finding structure in time, Cognitive Science 14; there f is the logistic
        function. Ours: one bias, where nn.RNN has two, and the initialization of ``nn.Linear``.
    """

    def __init__(self, features: int, hidden: int, activation: parts.Activation) -> None:
        super().__init__()
        self.input = nn.Linear(features, hidden)
        self.context = nn.Linear(hidden, hidden, bias=False)
        self.activation = activation(hidden)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return all states (N, T, H) and the last state (1, N, H) of sequences (N, T, F)."""
        driven = self.input(x).unbind(1)
        states = [self.activation(driven[0])]
        for drive in driven[1:]:
            states.append(self.activation(drive + self.context(states[-1])))
        return torch.stack(states, 1), states[-1][None]

"""What an initializer draws: the weights and biases of convolutions, linear and recurrent layers.

Normalizations, learnt poolings and learnt activations keep the start that is theirs.

Source: torch.nn's layouts. A weight is (outputs, inputs, ...); a recurrent layer stacks those of
its gates, and each is yielded by itself, since it feeds a unit by itself.
"""

from collections.abc import Iterator

from torch import Tensor, nn

_GATES = {"LSTM": 4, "GRU": 3}
_Layer = nn.Conv1d | nn.Conv2d | nn.Linear | nn.RNNBase


def weights(module: nn.Module) -> Iterator[Tensor]:
    """Yield each weight of a network, (outputs, inputs, ...), to be changed in place."""
    for layer, name, parameter in _parameters(module):
        if name.startswith("weight"):
            gates = _GATES.get(layer.mode, 1) if isinstance(layer, nn.RNNBase) else 1
            yield from parameter.chunk(gates)


def zero_biases(module: nn.Module) -> None:
    """Set each bias to 0."""
    for _, name, parameter in _parameters(module):
        if name.startswith("bias"):
            parameter.zero_()


def _parameters(module: nn.Module) -> Iterator[tuple[nn.Module, str, Tensor]]:
    for layer in module.modules():
        if isinstance(layer, _Layer):
            for name, parameter in layer.named_parameters(recurse=False):
                yield layer, name, parameter.detach()

"""What an initializer draws: the weights and biases of convolutions, linear and recurrent layers.

And those of any layer that is `Kernels`. Normalizations, learned poolings and learned activations
keep the start that is theirs.

Source: torch.nn's layouts. A weight is (outputs, inputs, ...), and a grouped convolution's fan_out
counts the outputs of all groups; a recurrent layer stacks those of its gates, and each is yielded
by itself, since it feeds a unit by itself.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from ablab.components.parts import Kernels

_GATES = {"LSTM": 4, "GRU": 3}


def feed_forward(module: nn.Module) -> list[nn.Module]:
    """Return the layers whose output is proportional to ``weight`` where the bias is 0."""
    kinds = nn.Conv1d, nn.Conv2d, nn.Linear, Kernels
    return [layer for layer in module.modules() if isinstance(layer, kinds)]


def weights(module: nn.Module) -> Iterator[Tensor]:
    """Yield each weight of a network, (outputs, inputs, ...), to be changed in place."""
    for layer, name, parameter in _parameters(module):
        if not name.startswith("weight"):
            continue
        if isinstance(layer, Kernels):
            # all before one is changed: autograd follows views until they are detached
            yield from [kernel.detach() for kernel in layer.kernels()]
        else:
            gates = _GATES.get(layer.mode, 1) if isinstance(layer, nn.RNNBase) else 1
            yield from parameter.chunk(gates)


def zero_biases(module: nn.Module) -> None:
    """Set each bias to 0."""
    for _, name, parameter in _parameters(module):
        if name.startswith("bias"):
            parameter.zero_()


def _parameters(module: nn.Module) -> Iterator[tuple[nn.Module, str, Tensor]]:
    ours = set(feed_forward(module))
    for layer in module.modules():
        if layer in ours or isinstance(layer, nn.RNNBase):
            for name, parameter in layer.named_parameters(recurse=False):
                yield layer, name, parameter.detach()

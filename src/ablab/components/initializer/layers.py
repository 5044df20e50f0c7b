"""The parameters that initializers set: those of convolutions, linear and recurrent layers.

Layers that implement `Kernels` are included. Normalizations, learned poolings and learned
activations keep their initial values.

Source: torch.nn's layouts. A weight is (outputs, inputs, ...), and a grouped convolution's fan_out
counts the outputs of all groups. A recurrent layer stacks the weights of its gates; each gate's is
yielded separately.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from ablab.components.parts import Kernels

_GATES = {"LSTM": 4, "GRU": 3}


def feed_forward(module: nn.Module) -> list[nn.Module]:
    """Return the layers whose output is proportional to ``weight`` if the bias is 0."""
    kinds = nn.Conv1d, nn.Conv2d, nn.Linear, Kernels
    return [layer for layer in module.modules() if isinstance(layer, kinds)]


def weights(module: nn.Module) -> Iterator[Tensor]:
    """Yield each weight of a network, (outputs, inputs, ...), to be changed in place."""
    for layer, name, parameter in _parameters(module):
        if not name.startswith("weight"):
            continue
        if isinstance(layer, Kernels):
            # detach all before changing one: autograd tracks views until they are detached
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

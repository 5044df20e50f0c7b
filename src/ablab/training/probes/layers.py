"""The modules that probes measure, and measuring without side effects."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ablab import streams
from ablab.components.batch_generator import single_process
from ablab.model.builder import AXIS
from ablab.model.plain_state import PlainState

_NOT_ELEMENTWISE = ("MultiheadAttention", "GLU", "Softmax", "Softmax2d", "Softmin", "LogSoftmax")
_ACTIVATIONS: tuple[type[nn.Module], ...] = tuple(
    getattr(nn, name) for name in nn.modules.activation.__all__ if name not in _NOT_ELEMENTWISE
)
Values = dict[str, float]  # by probe
LayerValues = dict[str, Values]  # by layer


def layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the modules that own weights of two dimensions or more, by name."""
    named = network.named_modules()
    return {name: m for name, m in named if any(p.ndim > 1 for p in m.parameters(recurse=False))}


def trainable_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the `layers` of which some parameter requires gradients."""
    return {name: layer for name, layer in layers(network).items() if trainable(layer)}


def activations(network: nn.Module) -> dict[str, nn.Module]:
    """Return the elementwise activations of ablab, torch and the user, by name."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, _ACTIVATIONS)
        or (getattr(module, AXIS, "") == "activation" and not isinstance(module, nn.Softmax))
    }


def trainable(module: nn.Module) -> list[Tensor]:
    """Return a module's own parameters that require gradients."""
    return [p for p in module.parameters(recurse=False) if p.requires_grad]


def norm(tensors: Sequence[Tensor]) -> Tensor:
    """Return the L2 norm of the concatenated elements of some tensors, a scalar."""
    total: Tensor = torch.stack([t.detach().float().norm() for t in tensors]).norm()
    return total


@contextmanager
def state_restored(
    network: nn.Module, generator: torch.Generator | None, seed: int, epoch: int
) -> Iterator[None]:
    """Restore all state of a network and of the generators after the block.

    Buffers, modes, plain attributes (see `ablab.model.plain_state`) and the states of generators,
    including the global ones, are restored. In the block, generators are seeded by (seed, epoch).

    Args:
        network: in training mode.
        generator: the generator of dropout.
        seed: the trial's seed.
        epoch: from 0.
    """
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    modes = [(module, module.training) for module in network.modules()]
    plain = PlainState(network)
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    position = seed, "probes", epoch
    with streams.fork_rng(*position, device=device), single_process(generator):
        state = None if generator is None else generator.get_state()
        if generator is not None:
            generator.manual_seed(streams.derive(*position))
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            plain.restore()
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)
            if generator is not None and state is not None:
                generator.set_state(state)


@contextmanager
def hooked(modules: dict[str, nn.Module], hook: Callable[..., Any]) -> Iterator[None]:
    """Call ``hook(name, module, input, output)`` at the first call of each module in the block."""
    seen: set[str] = set()

    def attach(name: str, module: nn.Module) -> list[Any]:
        inputs: list[Tensor] = []

        def before(_: nn.Module, arguments: tuple[Any, ...]) -> None:
            if name not in seen and arguments and isinstance(arguments[0], Tensor):
                inputs[:] = [arguments[0].detach().clone()]  # a module may overwrite its input

        def after(called: nn.Module, _: Any, output: Any) -> None:
            if name not in seen and inputs:
                seen.add(name)
                hook(name, called, inputs.pop(), output)

        return [
            module.register_forward_pre_hook(before),
            module.register_forward_hook(after),
        ]

    handles = [handle for name, module in modules.items() for handle in attach(name, module)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

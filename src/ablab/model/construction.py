"""A network while it is built: bounded in size, and its lazy layers given their shapes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.nn.parameter import is_lazy

from ablab.errors import InputError
from ablab.faults import worded

MAX_PARTS = 50_000  # layers and weight tensors; ResNet-1202 has some 8,000


@contextmanager
def bounded() -> Iterator[None]:
    """Refuse a network that has no end: what is built in the block counts its parts.

    Raises:
        InputError: it has more than `MAX_PARTS` layers and weight tensors.
    """
    built = 0

    def count(*_: Any) -> None:
        nonlocal built
        built += 1
        if built > MAX_PARTS:
            raise InputError(
                f"architecture must have at most {MAX_PARTS:,} layers and weight tensors, "
                "got more; choose a smaller depth"
            )

    hooks = [
        register_module_module_registration_hook(count),
        register_module_parameter_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def materialize(network: nn.Module, shape: tuple[int, int, int, int]) -> None:
    """Give lazy layers (``nn.LazyConv2d``, …) the shapes that a batch tells, and first weights.

    A network in evaluation may pass layers by that training has: these see the batch in training
    mode. No running statistic is changed.

    Args:
        network: any; one without lazy layers is left alone.
        shape: of a batch of images, (N, C, H, W), N >= 2.

    Raises:
        InputError: the network does not take such a batch, or a lazy layer never sees it.
    """
    if not _lazy(network):
        return
    _look(network.eval(), shape)
    if _lazy(network):
        before = {name: value.clone() for name, value in _known_buffers(network)}
        _look(network.train(), shape)
        for name, value in before.items():
            network.get_buffer(name).copy_(value)
    network.train()
    if left := _lazy(network):
        raise InputError(
            "architecture must use each of its lazy layers, which have no shapes otherwise, got "
            f"{', '.join(left)} without use"
        )


def _look(network: nn.Module, shape: tuple[int, int, int, int]) -> None:
    try:
        with torch.no_grad():
            network(torch.zeros(shape))
    except NotImplementedError:  # it needs values, which ``meta`` has not
        raise
    except Exception as error:
        name = type(network).__name__
        raise InputError(
            f"architecture must work with its parts and data, got {worded(error)} from {name}"
        ) from error


def _lazy(network: nn.Module) -> list[str]:
    return [name for name, p in network.named_parameters() if is_lazy(p)]


def _known_buffers(network: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, b) for name, b in network.named_buffers() if not is_lazy(b)]

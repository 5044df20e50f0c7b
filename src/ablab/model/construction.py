"""Construction of a network: a limit on its size, lazy layers, and LSTMs in bfloat16."""

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
from ablab.faults import format_error

MAX_PARTS = 50_000  # layers and weight tensors; ResNet-1202 has about 8,000


@contextmanager
def limited_size() -> Iterator[None]:
    """Refuse a network that grows without end: count the parts that are registered in the block.

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
    """Give lazy layers (``nn.LazyConv2d``, …) their shapes and initial weights from one batch.

    The batch passes in evaluation mode first, and again in training mode if layers are left that
    only training uses. Running statistics are not changed.

    Args:
        network: any; left unchanged if it has no lazy layers.
        shape: of a batch of images, (N, C, H, W), N >= 2.

    Raises:
        InputError: the network fails on such a batch, or never uses one of its lazy layers.
    """
    if not _lazy(network):
        return
    _pass_zeros(network.eval(), shape)
    if _lazy(network):
        before = {name: value.clone() for name, value in _known_buffers(network)}
        _pass_zeros(network.train(), shape)
        for name, value in before.items():
            network.get_buffer(name).copy_(value)
    network.train()
    if unused := _lazy(network):
        raise InputError(
            "architecture must use each of its lazy layers, which have no shapes otherwise, got "
            f"{', '.join(unused)} without use"
        )


class _WithoutOneDNN:
    """Calls an LSTM's forward with oneDNN disabled under autocast, unchanged otherwise."""

    def __init__(self, layer: nn.LSTM) -> None:
        self._layer = layer

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        forward = type(self._layer).forward
        if not torch.is_autocast_enabled("cpu"):
            return forward(self._layer, *arguments, **named)
        with torch.backends.mkldnn.flags(enabled=False):
            return forward(self._layer, *arguments, **named)


def make_lstms_work_in_bfloat16(network: nn.Module) -> None:
    """Let LSTMs train under autocast on a CPU without AVX-512.

    oneDNN has no bfloat16 LSTM there, and torch calls it all the same. Torch's own kernels, which
    GRU and RNN always use, replace it under autocast.
    """
    if not torch._C._has_mkldnn or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return
    for layer in network.modules():
        if isinstance(layer, nn.LSTM):
            object.__setattr__(layer, "forward", _WithoutOneDNN(layer))


def _pass_zeros(network: nn.Module, shape: tuple[int, int, int, int]) -> None:
    try:
        with torch.no_grad():
            network(torch.zeros(shape))
    except NotImplementedError:  # needs values, which the ``meta`` device does not have
        raise
    except Exception as error:
        name = type(network).__name__
        raise InputError(
            f"architecture must work with its parts and data, got {format_error(error)} from {name}"
        ) from error


def _lazy(network: nn.Module) -> list[str]:
    return [name for name, p in network.named_parameters() if is_lazy(p)]


def _known_buffers(network: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, b) for name, b in network.named_buffers() if not is_lazy(b)]

"""LSTMs in bfloat16 on processors for which oneDNN has none."""

from typing import Any

import torch
from torch import nn


class _WithoutOneDnn:
    """An LSTM's forward that keeps clear of oneDNN where autocast gives it bfloat16.

    Torch's own kernels, which GRU and RNN have always, take its place; for float32 nothing
    changes.
    """

    def __init__(self, layer: nn.LSTM) -> None:
        self._layer = layer

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        forward = type(self._layer).forward
        if not torch.is_autocast_enabled("cpu"):
            return forward(self._layer, *arguments, **named)
        with torch.backends.mkldnn.flags(enabled=False):
            return forward(self._layer, *arguments, **named)


def mend_lstms(network: nn.Module) -> None:
    """Let every LSTM of a network work under autocast on this processor.

    oneDNN has no bfloat16 LSTM for processors without AVX-512, and torch asks it all the same.
    """
    if not torch._C._has_mkldnn or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return
    for layer in network.modules():
        if isinstance(layer, nn.LSTM):
            object.__setattr__(layer, "forward", _WithoutOneDnn(layer))

"""Layer-sequential unit-variance initialization."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ablab.components.initializer.layers import feed_forward
from ablab.components.initializer.orthogonal import orthogonal


def lsuv(module: nn.Module, batch: Tensor, std: float) -> None:
    """Draw orthogonal weights, then scale each layer's so that its output on a batch has one std.

    Layers are scaled in the order in which they run, each with the scaled layers before it.
    Biases are 0, so that an output is proportional to its weights and one division is exact. The
    network runs in eval mode: without dropout, with the initial state of normalizations. Recurrent
    layers and layers that do not run stay orthogonal.

    Args:
        module: the whole network; convolutions and linear layers are changed in place.
        batch: (N, C, H, W), training images as passed to the network.
        std: of each layer's output, > 0; 1 in the source.

    Raises:
        ValueError: ``std`` is out of its range.

    Source: Mishkin and Matas 2016, arXiv:1511.06422, algorithm 1. Ours: no iteration is needed.
    """
    if std <= 0:
        raise ValueError(f"std must be > 0, got {std}")
    orthogonal(module, gain=1.0)
    if batch.is_meta:  # the dry build: shapes without values have no variance
        return
    scaled: set[nn.Module] = set()
    hooks = [layer.register_forward_hook(_scaling(scaled, std)) for layer in feed_forward(module)]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(batch)
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()


def _scaling(scaled: set[nn.Module], std: float) -> Callable[[Any, Any, Tensor], Tensor]:
    """Return a hook that scales a layer when it runs for the first time."""

    def scale(layer: Any, _: Any, output: Tensor) -> Tensor:
        measured = output.std(correction=0)
        if layer in scaled or not measured > 0:
            return output
        scaled.add(layer)
        layer.weight.mul_(std / measured)
        return output * (std / measured)

    return scale

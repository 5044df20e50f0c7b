"""Layer-sequential unit-variance initialization."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ablab.components.initializer.layers import feed_forward
from ablab.components.initializer.orthogonal import orthogonal


def lsuv(module: nn.Module, batch: Tensor, std: float) -> None:
    """Draw orthogonal weights, then scale each layer's to one variance of its output on a batch.

    Layers are scaled in the order in which the network runs them, each on what those before it
    now give. Biases are 0, so an output is proportional to its weights and one division is exact.
    The network runs as in evaluation: without dropout, with normalizations at their start;
    recurrent layers and whatever it does not run stay orthogonal.

    Args:
        module: the whole network; convolutions and linear layers are changed in place.
        batch: (N, C, H, W), training images as the network will see them.
        std: of each layer's output, > 0; 1 in the source.

    Raises:
        ValueError: ``std`` is out of its range.

    Source: Mishkin and Matas 2016, arXiv:1511.06422, algorithm 1. Ours: no iteration, see above.
    """
    if std <= 0:
        raise ValueError(f"std must be > 0, got {std}")
    orthogonal(module, gain=1.0)
    if batch.is_meta:  # shapes without values have no variance
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
    """Return a hook that scales a layer when it is run for the first time."""

    def scale(layer: Any, _: Any, output: Tensor) -> Tensor:
        found = output.std(correction=0)
        if layer in scaled or not found > 0:
            return output
        scaled.add(layer)
        layer.weight.mul_(std / found)
        return output * (std / found)

    return scale

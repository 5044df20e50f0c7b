"""Weights and images from a formula, to compare networks with other implementations.

`outside_logits.py` computes the logits of other code with them. It runs without ablab, so this
module needs torch alone.
"""

import torch
from torch import Tensor, nn

PHI, PLASTIC = 0.6180339887498949, 0.7548776662466927
SUMMARIZED = (0, 1, 500, 999)


def spread(shape: tuple[int, ...], number: int) -> Tensor:
    """Return irregular values in [-1, 1), of variance about 1/3, in float64.

    ``frac(i**2 * PHI + number * PLASTIC)``, scaled: IEEE products alone, the same on every machine.
    """
    index = torch.arange(1, torch.Size(shape).numel() + 1, dtype=torch.float64)
    return (2 * ((index * index * PHI + number * PLASTIC) % 1.0) - 1).reshape(shape)


def images(count: int, channels: int, side: int) -> Tensor:
    """Return images (N, C, H, W)."""
    return spread((count, channels, side, side), 0)


def fill(network: nn.Module, x: Tensor) -> nn.Module:
    """Give a network its weights, float64, in the order in which its parts run, for evaluation.

    The order in which parts are declared and their names differ from one code to another; a
    kernel's shape does too, where a linear layer is spelled as a convolution of 1x1.
    """
    network.double().eval()
    order: dict[nn.Module, None] = {}
    hooks = [
        part.register_forward_pre_hook(lambda part, _: order.setdefault(part))
        for part in network.modules()
    ]
    with torch.no_grad():
        network(x)
        for hook in hooks:
            hook.remove()
        number = 0
        for part in order:
            own = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
            for name, tensor in own:
                if tensor.is_floating_point():
                    number += 1
                    tensor.copy_(_values(name, tuple(tensor.shape), number))
    return network


def _values(name: str, shape: tuple[int, ...], number: int) -> Tensor:
    """Return kernels of variance 2 / fan_in; scales and variances about 1; shifts about 0."""
    drawn = spread(shape, number)
    if sum(side > 1 for side in shape) > 1:
        fan_in = torch.Size(shape[1:]).numel()
        return drawn * (6 / fan_in) ** 0.5
    if "bias" in name or "mean" in name:
        return 0.1 * drawn
    return 1 + 0.1 * drawn


def summarize(logits: Tensor) -> list[float]:
    """Return a summary of logits (N, 1000): four of the last image, and the norm of all."""
    return [*logits[-1, list(SUMMARIZED)].tolist(), logits.norm().item()]

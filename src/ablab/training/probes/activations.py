"""Statistics of activations and of layer inputs on the probe batch."""

import torch
from torch import Tensor, nn

from ablab.training.probes.layers import Values

SATURATED = 0.05


def activation_statistics(module: nn.Module, x: Tensor, y: Tensor) -> Values:
    """Return statistics of an activation's outputs and derivatives.

    Args:
        module: elementwise.
        x: (N, C, ...), its input.
        y: the same shape, its output.

    Returns:
        ``activation_mean``, ``activation_variance``, and shares in [0, 1]: ``sparsity``,
        ``saturated``, ``dead``.
    """
    y = y.detach().float()
    derivative = _derivative(module, x)
    others = [axis for axis in range(x.ndim) if axis != 1]
    statistics = {
        "activation_mean": y.mean(),
        "activation_variance": y.var(correction=0),
        "sparsity": (y == 0).float().mean(),
        "saturated": (derivative.abs() < SATURATED).float().mean(),
        "dead": (derivative == 0).all(dim=others).float().mean(),
    }
    return {name: float(value) for name, value in statistics.items()}


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel of (N, C, ...), on the CPU."""
    channels = x.detach().float().movedim(1, 0).flatten(1)
    return channels.mean(1).cpu(), channels.var(1, correction=0).cpu()


def drift(before: tuple[Tensor, Tensor], now: tuple[Tensor, Tensor]) -> float:
    """Return the change of the channels' means, divided by the standard deviation before.

    Both are root mean squares over channels. Where the deviation is 0, the result is 0 for equal
    means, else infinite.
    """
    moved = (now[0] - before[0]).square().mean().sqrt()
    deviation = before[1].mean().sqrt()
    return float(moved / deviation) if deviation > 0 else (0.0 if moved == 0 else float("inf"))


def _derivative(module: nn.Module, x: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        y = module.forward(leaf.clone())  # `forward` skips hooks; it may overwrite its input
        (derivative,) = torch.autograd.grad(y.sum(), leaf)
    return derivative

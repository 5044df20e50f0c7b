"""Gradients of the loss on the probe batch."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ablab.model.objective import all_logits
from ablab.training.probes.layers import Values, norm, trainable

Loss = Callable[[Tensor], Tensor]  # main logits -> scalar
Gradients = dict[str, list[Tensor]]


def gradients(
    network: nn.Module, layers: Mapping[str, nn.Module], x: Tensor, loss: Loss
) -> Gradients:
    """Return the loss's gradient with respect to each layer's parameters.

    Layers that do not affect the loss are left out; ``.grad`` is not changed.
    """
    return _by_layer(loss(all_logits(network(x))[0]), {n: trainable(m) for n, m in layers.items()})


def gradient_changes(
    network: nn.Module, layers: Mapping[str, nn.Module], x: Tensor, loss: Loss, lr: float
) -> dict[str, Values]:
    """Return how the gradient of each layer changes when all earlier layers take a step.

    Args:
        network: in training mode.
        layers: in forward order.
        x: the batch.
        loss: maps main logits to the loss.
        lr: learning rate of the earlier layers' step of gradient descent.

    Returns:
        ``gradient_change``, the L2 norm of the difference divided by the norm before, and
        ``gradient_cosine``, in [-1, 1], for each layer but the first.

    Source: Santurkar et al. 2018, arXiv:1805.11604, definition 2.1.
    """
    first = gradients(network, layers, x, loss)
    names = {id(p): name for name, p in network.named_parameters()}
    changes: dict[str, Values] = {}
    moved: dict[str, Tensor] = {}
    for number, (name, before) in enumerate(first.items()):
        parameters = trainable(layers[name])
        if number:
            logits = all_logits(functional_call(network, moved, (x,)))[0]
            now = _by_layer(loss(logits), {name: parameters})[name]
            changes[name] = _compare(before, now)
        steps = zip(parameters, before, strict=True)
        moved |= {names[id(p)]: p.detach() - lr * g for p, g in steps}
    return changes


def _by_layer(loss: Tensor, parameters: Mapping[str, list[Tensor]]) -> Gradients:
    flat = [p for own in parameters.values() for p in own]
    grads = iter(torch.autograd.grad(loss, flat, allow_unused=True))
    by_layer = {name: [next(grads) for _ in own] for name, own in parameters.items()}
    return {
        name: [
            torch.zeros_like(p) if g is None else g
            for g, p in zip(own, parameters[name], strict=True)
        ]
        for name, own in by_layer.items()
        if any(g is not None for g in own)
    }


def _compare(before: list[Tensor], now: list[Tensor]) -> Values:
    a, b = (torch.cat([g.detach().float().flatten() for g in gs]) for gs in (before, now))
    length = float(norm([a]))
    if length == 0:
        return {}
    product = length * float(norm([b]))
    cosine = float(a @ b) / product if product else 0.0
    return {"gradient_change": float(norm([a - b])) / length, "gradient_cosine": cosine}

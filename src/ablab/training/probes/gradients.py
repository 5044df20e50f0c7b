"""What gradients of the loss on the probe batch show."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ablab.model.objective import all_logits
from ablab.training.probes.layers import Values, norm, trained

Loss = Callable[[Tensor], Tensor]  # main logits -> scalar
Gradients = dict[str, list[Tensor]]


def gradients(
    network: nn.Module, layers: Mapping[str, nn.Module], x: Tensor, loss: Loss
) -> Gradients:
    """Return the loss's gradient by the parameters of each layer that takes part in it.

    Nothing is added to ``.grad``.
    """
    return _by_layer(loss(all_logits(network(x))[0]), {n: trained(m) for n, m in layers.items()})


def gradient_changes(
    network: nn.Module, layers: Mapping[str, nn.Module], x: Tensor, loss: Loss, lr: float
) -> dict[str, Values]:
    """Return how the gradient by a layer changes when all layers before it take their step.

    Args:
        network: in training mode.
        layers: in the order in which they count as before each other.
        x: the batch.
        loss: of the main logits.
        lr: of the step of gradient descent that the layers before take.

    Returns:
        ``gradient_change``, the L2 norm of the difference over the norm before, and
        ``gradient_cosine``, in [-1, 1], for each layer but the first.

    Source: Santurkar et al. 2018, arXiv:1805.11604, definition 2.1.
    """
    first = gradients(network, layers, x, loss)
    names = {id(p): name for name, p in network.named_parameters()}
    figures: dict[str, Values] = {}
    moved: dict[str, Tensor] = {}
    for number, (name, before) in enumerate(first.items()):
        parameters = trained(layers[name])
        if number:
            logits = all_logits(functional_call(network, moved, (x,)))[0]
            now = _by_layer(loss(logits), {name: parameters})[name]
            figures[name] = _compared(before, now)
        steps = zip(parameters, before, strict=True)
        moved |= {names[id(p)]: p.detach() - lr * g for p, g in steps}
    return figures


def _by_layer(loss: Tensor, parameters: Mapping[str, list[Tensor]]) -> Gradients:
    wanted = [p for own in parameters.values() for p in own]
    found = iter(torch.autograd.grad(loss, wanted, allow_unused=True))
    by_layer = {name: [next(found) for _ in own] for name, own in parameters.items()}
    return {
        name: [
            torch.zeros_like(p) if g is None else g
            for g, p in zip(own, parameters[name], strict=True)
        ]
        for name, own in by_layer.items()
        if any(g is not None for g in own)
    }


def _compared(before: list[Tensor], now: list[Tensor]) -> Values:
    a, b = (torch.cat([g.detach().float().flatten() for g in gs]) for gs in (before, now))
    length = float(norm([a]))
    if length == 0:
        return {}
    product = length * float(norm([b]))
    cosine = float(a @ b) / product if product else 0.0
    return {"gradient_change": float(norm([a - b])) / length, "gradient_cosine": cosine}

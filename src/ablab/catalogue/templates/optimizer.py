"""A custom optimizer."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn import Parameter
from torch.optim import Optimizer


class Mine(Optimizer):
    """Moves every parameter by ``lr`` times its gradient, divided by its root mean square.

    Args:
        named_params: names and parameters.
        lr: > 0.

    Raises:
        ValueError: ``lr`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(self, named_params: Iterable[tuple[str, Parameter]], lr: float) -> None:
        if lr <= 0:
            raise ValueError(f"lr must be > 0, got {lr}")
        super().__init__([parameter for _, parameter in named_params], {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; ``closure``, if given, computes the gradients and returns the loss."""
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    size = parameter.grad.square().mean().sqrt() + 1e-8
                    parameter.sub_(group["lr"] * parameter.grad / size)
        return loss

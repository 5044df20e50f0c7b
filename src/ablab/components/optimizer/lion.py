"""Lion (evolved sign momentum)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from ablab.components.optimizer.ranges import check_ranges


class Lion(Optimizer):
    """Moves every parameter by ``lr`` against the sign of a mean of momentum and gradient.

    ``theta -= lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta)``, and then
    ``m = beta2 * m + (1 - beta2) * g``.

    Args:
        named_params: names and parameters.
        lr: > 0; a third to a tenth of AdamW's.
        betas: of the update and of the momentum, in [0, 1).
        weight_decay: decoupled, >= 0.

    Raises:
        ValueError: a value is out of its range.

    Source: Chen et al. 2023, arXiv:2302.06675, algorithm 2.
    """

    def __init__(
        self,
        named_params: Iterable[tuple[str, Parameter]],
        lr: float,
        betas: Sequence[float],
        weight_decay: float,
    ) -> None:
        check_ranges(lr, betas, weight_decay)
        defaults = {"lr": lr, "betas": tuple(betas), "weight_decay": weight_decay}
        super().__init__([parameter for _, parameter in named_params], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; ``closure``, if given, computes the gradients and returns the loss."""
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, theta: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[theta]
        if not state:
            state["momentum"] = torch.zeros_like(theta)
        momentum, (beta1, beta2) = state["momentum"], group["betas"]
        theta.mul_(1 - group["lr"] * group["weight_decay"])
        theta.sub_(momentum.lerp(gradient, 1 - beta1).sign_(), alpha=group["lr"])
        momentum.lerp_(gradient, 1 - beta2)

"""Muon (orthogonalized momentum)."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from ablab.components.optimizer.newton_schulz import orthogonalize
from ablab.components.optimizer.ranges import check_ranges


class Muon(Optimizer):
    """Moves matrices along their orthogonalized momentum, and all other parameters by AdamW.

    A matrix is a parameter of two or more dimensions, flattened after the first: a convolution's
    kernels are (out, in * kh * kw). Its step has length ``lr * sqrt(max(1, rows / columns))``.

    Args:
        named_params: names and parameters.
        lr: of the matrices, > 0.
        momentum: in [0, 1).
        nesterov: use Nesterov momentum.
        ns_steps: number of Newton-Schulz iterations, >= 1.
        weight_decay: decoupled, of all parameters, >= 0.
        adamw_lr: of the other parameters, > 0.
        adamw_betas: of the other parameters, in [0, 1).
        adamw_eps: of the other parameters, > 0.

    Raises:
        ValueError: a value is out of its range.

    Source: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks. There AdamW
    also updates the first and the last layer; a list of parameters does not identify these, so
    here they are matrices like the others. The iteration runs in float32 or higher, not bfloat16.
    """

    def __init__(
        self,
        named_params: Iterable[tuple[str, Parameter]],
        *,
        lr: float,
        momentum: float,
        nesterov: bool,
        ns_steps: int,
        weight_decay: float,
        adamw_lr: float,
        adamw_betas: Sequence[float],
        adamw_eps: float,
    ) -> None:
        check_ranges(lr, adamw_betas, weight_decay, adamw_eps)
        if not 0 < adamw_lr < math.inf:
            raise ValueError(f"adamw_lr must be a number > 0, got {adamw_lr}")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be a number in [0, 1), got {momentum}")
        if ns_steps < 1:
            raise ValueError(f"ns_steps must be an integer >= 1, got {ns_steps}")
        parameters = [parameter for _, parameter in named_params]
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "lr": lr, "is_muon": True},
            {"params": [p for p in parameters if p.ndim < 2], "lr": adamw_lr, "is_muon": False},
        ]
        matrices = {"momentum": momentum, "nesterov": nesterov, "ns_steps": ns_steps}
        others = {"betas": tuple(adamw_betas), "eps": adamw_eps}
        super().__init__(groups, {"weight_decay": weight_decay, **matrices, **others})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; ``closure``, if given, computes the gradients and returns the loss."""
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            move = self._move_matrix if group["is_muon"] else self._move_other
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    move(parameter, parameter.grad, group)
        return loss

    def _move_matrix(self, theta: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[theta]
        if not state:
            state["momentum"] = torch.zeros_like(theta)
        mean = state["momentum"].lerp_(gradient, 1 - group["momentum"])
        update = gradient.lerp(mean, group["momentum"]) if group["nesterov"] else mean
        matrix = orthogonalize(update.flatten(1), group["ns_steps"])
        length = math.sqrt(max(1, matrix.shape[0] / matrix.shape[1]))
        theta.sub_(matrix.view(theta.shape), alpha=group["lr"] * length)

    def _move_other(self, theta: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, (beta1, beta2) = self.state[theta], group["betas"]
        if not state:
            state.update(step=0, mean=torch.zeros_like(theta), square=torch.zeros_like(theta))
        state["step"] += 1
        mean = state["mean"].lerp_(gradient, 1 - beta1) / (1 - beta1 ** state["step"])
        square = state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = (square / (1 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
        theta.addcdiv_(mean, root, value=-group["lr"])

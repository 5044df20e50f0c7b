"""Schedule-free AdamW."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from ablab.components.optimizer.ranges import check_ranges


class ScheduleFree(Optimizer):
    """AdamW that averages its iterates instead of lowering the learning rate.

    There are three sequences: ``z`` moves as in AdamW, ``x`` is the weighted mean of all ``z``, and
    the gradient is computed at ``y = (1 - beta1) z + beta1 x``. In training the parameters are
    ``y``; `eval` sets them to ``x``, which are the weights to test and to save, and `train` sets
    them to ``y`` again. The learning rate rises linearly over the first ``warmup_steps``; a step's
    weight in the mean is the square of the largest learning rate so far.

    Batch normalization's running statistics are those of ``y``, not of ``x``.

    Args:
        named_params: names and parameters.
        lr: > 0; larger than AdamW's.
        betas: of the interpolation and of the second moment, in [0, 1); beta1 > 0.
        eps: added to the root of the second moment, > 0.
        weight_decay: decoupled, at ``y``, >= 0.
        warmup_steps: an integer >= 0.

    Raises:
        ValueError: a value is out of its range.

    Source: Defazio et al. 2024, arXiv:2405.15682, algorithm 1.
    """

    def __init__(
        self,
        named_params: Iterable[tuple[str, Parameter]],
        *,
        lr: float,
        betas: Sequence[float],
        eps: float,
        weight_decay: float,
        warmup_steps: int,
    ) -> None:
        check_ranges(lr, betas, weight_decay, eps)
        if betas[0] == 0:
            raise ValueError(f"betas must begin with a number > 0, got {list(betas)}")
        if warmup_steps < 0:
            raise ValueError(f"warmup_steps must be an integer >= 0, got {warmup_steps}")
        own = {"is_training": True, "steps": 0, "largest_lr": 0.0, "weight_sum": 0.0}
        given = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}
        defaults = {**given, "warmup_steps": warmup_steps, **own}
        super().__init__([parameter for _, parameter in named_params], defaults)

    def train(self) -> None:
        """Set the parameters to ``y``, unless they are."""
        self._set_mode(True, lambda beta1: 1 - beta1)

    def eval(self) -> None:
        """Set the parameters to ``x``, unless they are."""
        self._set_mode(False, lambda beta1: 1 - 1 / beta1)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; ``closure``, if given, computes the gradients and returns the loss."""
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            assert group["is_training"]
            group["steps"] += 1
            lr = group["lr"] * min(1.0, group["steps"] / max(1, group["warmup_steps"]))
            group["largest_lr"] = max(lr, group["largest_lr"])
            weight = group["largest_lr"] ** 2
            group["weight_sum"] += weight
            share = weight / group["weight_sum"] if weight else 0.0
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, lr, share, group)
        return loss

    def _move(
        self, y: Tensor, gradient: Tensor, lr: float, share: float, group: dict[str, Any]
    ) -> None:
        state, (beta1, beta2) = self.state[y], group["betas"]
        if not state:
            state["z"], state["square"] = y.clone(), torch.zeros_like(y)
        z, square = state["z"], state["square"]
        square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = (square / (1 - beta2 ** group["steps"])).sqrt_().add_(group["eps"])
        direction = (gradient / root).add_(y, alpha=group["weight_decay"])
        # x moves by `share` towards the new z; y is updated accordingly, without storing x.
        y.lerp_(z, share).add_(direction, alpha=lr * (beta1 * (1 - share) - 1))
        z.sub_(direction, alpha=lr)

    @torch.no_grad()
    def _set_mode(self, is_training: bool, share: Callable[[float], float]) -> None:
        """Interpolate the parameters with ``z`` where the mode changes."""
        for group in self.param_groups:
            if group["is_training"] != is_training:
                group["is_training"] = is_training
                for parameter in group["params"]:
                    if parameter in self.state:
                        parameter.lerp_(self.state[parameter]["z"], share(group["betas"][0]))

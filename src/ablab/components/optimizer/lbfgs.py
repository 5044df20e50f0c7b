"""Limited-memory BFGS."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, optim
from torch.nn import Parameter

from ablab.components.optimizer.ranges import check_ranges


class LBFGS(optim.LBFGS):
    """torch's LBFGS for weights of any memory layout; torch's own requires contiguous ones.

    A step evaluates the loss of its batch up to ``max_eval`` times. Use it with the whole training
    set as one batch. Batch normalization updates its running statistics in each evaluation.

    Args:
        named_params: names and parameters.
        lr: initial step length, > 0.
        max_iter: iterations per step, >= 1.
        max_eval: evaluations per step, None for 5/4 of ``max_iter``.
        tolerance_grad: end a step when the largest gradient is at most this.
        tolerance_change: end a step when the change is at most this.
        history_size: number of updates kept, >= 1; each costs twice the parameters' memory.
        line_search_fn: ``"strong_wolfe"``, or None for steps of ``lr``.

    Raises:
        ValueError: a value is out of its range.

    Source: Liu and Nocedal 1989, On the limited memory BFGS method for large scale optimization.
    """

    def __init__(
        self,
        named_params: Iterable[tuple[str, Parameter]],
        *,
        lr: float,
        max_iter: int,
        max_eval: int | None,
        tolerance_grad: float,
        tolerance_change: float,
        history_size: int,
        line_search_fn: Literal["strong_wolfe"] | None,
    ) -> None:
        check_ranges(lr, (0, 0), 0)
        for name, value in (("max_iter", max_iter), ("history_size", history_size)):
            if value < 1:
                raise ValueError(f"{name} must be an integer >= 1, got {value}")
        if line_search_fn not in ("strong_wolfe", None):
            raise ValueError(f"line_search_fn must be strong_wolfe or null, got {line_search_fn}")
        parameters = [parameter for _, parameter in named_params]
        limits = max_iter, max_eval, tolerance_grad, tolerance_change, history_size
        super().__init__(parameters, lr, *limits, line_search_fn)

    def _gather_flat_grad(self) -> Tensor:
        """Return all gradients as one vector, with ``reshape`` where torch uses ``view``."""
        return torch.cat([_gradient(p).reshape(-1) for p in self.param_groups[0]["params"]])


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad

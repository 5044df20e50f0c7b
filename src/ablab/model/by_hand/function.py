"""Autograd function that computes with numpy arrays."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ablab.reference.windows import Array

# Maps the gradient with respect to the output to that with respect to one input.
Gradient = Callable[[Array], Array]
# Returns the output, and the gradient functions of all inputs, in order.
Rule = Callable[..., tuple[Array | float, tuple[Gradient, ...]]]


class ByHand(torch.autograd.Function):
    """Calls a rule in the forward pass, and the required gradients in the backward pass.

    Computes in float64. The output is rounded to the dtype of the first input, and each gradient
    to that of its input.
    """

    @staticmethod
    def forward(ctx: Any, rule: Rule, *tensors: Tensor) -> Tensor:
        """Return the rule's output, on the CPU."""
        y, ctx.gradients = rule(*(array(t) for t in tensors))
        ctx.dtypes = [t.dtype for t in tensors]
        return torch.as_tensor(y, dtype=torch.float64).to(tensors[0].dtype)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        """Return the gradient with respect to each tensor that needs one."""
        dy = array(grad_outputs[0])
        gradients = zip(ctx.gradients, ctx.needs_input_grad[1:], ctx.dtypes, strict=True)
        return None, *(
            torch.as_tensor(gradient(dy)).to(dtype) if needed else None
            for gradient, needed, dtype in gradients
        )


def by_hand(rule: Rule, *tensors: Tensor | None) -> Tensor:
    """Return a rule's output, differentiable through its own gradients.

    Args:
        rule: called with the tensors that are not None, as float64 arrays.
        tensors: inputs first, then parameters; None for an absent parameter.
    """
    y: Tensor = ByHand.apply(rule, *(t for t in tensors if t is not None))  # type: ignore[no-untyped-call]
    return y


def array(tensor: Tensor) -> Array:
    """Return a tensor's values as a float64 array."""
    values: Array = tensor.detach().to(torch.float64).numpy()
    return values

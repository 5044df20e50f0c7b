"""The bridge from torch's tensors to numpy's arrays and back."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ablab.reference.windows import Array

# The gradient by one input, of a gradient by the output.
Gradient = Callable[[Array], Array]
# The output, and the gradients by all inputs in their order.
Rule = Callable[..., tuple[Array | float, tuple[Gradient, ...]]]


class ByHand(torch.autograd.Function):
    """Calls a rule forward, and its gradients backward, those alone that are asked for.

    All is computed in float64, and rounded to the precision of the first input.
    """

    @staticmethod
    def forward(ctx: Any, rule: Rule, *tensors: Tensor) -> Tensor:
        """Return the rule's output for all tensors, on the CPU."""
        y, ctx.gradients = rule(*(array(t) for t in tensors))
        ctx.dtypes = [t.dtype for t in tensors]
        return torch.as_tensor(y, dtype=torch.float64).to(tensors[0].dtype)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        """Return the gradient by each tensor that needs one."""
        dy = array(grad_outputs[0])
        wanted = zip(ctx.gradients, ctx.needs_input_grad[1:], ctx.dtypes, strict=True)
        return None, *(
            torch.as_tensor(gradient(dy)).to(dtype) if needed else None
            for gradient, needed, dtype in wanted
        )


def by_hand(rule: Rule, *tensors: Tensor | None) -> Tensor:
    """Return a rule's output, differentiable by its own gradients.

    Args:
        rule: called with the tensors that are there, as float64 arrays.
        tensors: inputs first, then parameters; None for a parameter that a layer does without.
    """
    y: Tensor = ByHand.apply(rule, *(t for t in tensors if t is not None))  # type: ignore[no-untyped-call]
    return y


def array(tensor: Tensor) -> Array:
    """Return a tensor's values in float64."""
    values: Array = tensor.detach().to(torch.float64).numpy()
    return values

"""Max-norm constraint."""

from collections.abc import Iterable

import torch
from torch.nn import Parameter

from ablab.components.regularizer.regularizer import Regularizer


class MaxNorm(Regularizer):
    """Limits the norm of the weights into each unit to ``max_norm`` after each step.

    A unit is an entry of a weight's first dimension: an output of a linear layer, a channel of a
    convolution. Shorter weights and the loss are unchanged. Biases are excluded.

    Args:
        named_params: names and parameters of the network (see `Regularizer` for the weights).
        max_norm: largest Euclidean norm, > 0.

    Raises:
        ValueError: ``max_norm`` is out of its range.

    Source: Srivastava et al. 2014, JMLR 15, section 5.1, also for a convolution's kernels. Ours: of
    a transposed convolution a unit is an input channel.
    """

    def __init__(self, named_params: Iterable[tuple[str, Parameter]], max_norm: float) -> None:
        if not max_norm > 0:
            raise ValueError(f"max_norm must be > 0, got {max_norm}")
        super().__init__(named_params)
        self.max_norm = max_norm

    @torch.no_grad()
    def project(self) -> None:
        """Scale down the weights above the limit; others do not change by a bit."""
        for weight in self.weights:
            dims = tuple(range(1, weight.ndim))
            norm = torch.linalg.vector_norm(weight, dim=dims, keepdim=True)
            weight.mul_(self.max_norm / norm.clamp_min(self.max_norm))

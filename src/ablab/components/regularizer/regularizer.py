"""The base class of regularizers, which selects the weights among the parameters."""

from collections.abc import Iterable

from torch import Tensor
from torch.nn import Parameter


class Regularizer:
    """Base class of regularizers, which itself does nothing.

    Weights are the trained parameters of two or more dimensions whose last name component does not
    start with ``bias``: kernels and matrices. Biases, scales and shifts of normalizations, and
    slopes of PReLU are not weights.

    Args:
        named_params: names and parameters of the network.

    Attributes:
        weights: the weights among them.

    Source: the control of every regularizer; Goodfellow et al. 2016, section 7.1, excludes biases
    as well.
    """

    def __init__(self, named_params: Iterable[tuple[str, Parameter]]) -> None:
        self.weights = [
            parameter
            for name, parameter in named_params
            if parameter.ndim >= 2
            and parameter.requires_grad
            and not name.rpartition(".")[2].startswith("bias")
        ]

    def penalty(self) -> Tensor | None:
        """Return the scalar to add once to the mean loss, or None."""
        return None

    def project(self) -> None:
        """Project the weights onto the allowed set; called after each optimizer step."""

"""What a regularizer is, and which parameters are weights to it."""

from collections.abc import Iterable

from torch import Tensor
from torch.nn import Parameter


class Regularizer:
    """Holds back the weights of a network; this one does nothing.

    Weights are the parameters of two dimensions or more that are trained and whose own name (the
    part behind the last dot) does not begin with ``bias``: kernels and matrices. Biases, the
    scales and shifts of normalizations, and the slopes of PReLU are none.

    Args:
        named_params: names and parameters of the network.

    Attributes:
        weights: the weights among them.

    Source: the control of every regularizer; Goodfellow et al. 2016, section 7.1, leaves biases
    out as well.
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
        """Return what is added once to the mean cost: a scalar, or None where nothing is."""
        return None

    def project(self) -> None:
        """Put the weights back to where they may be; called after each optimizer step."""

"""Stochastic depth."""

from typing import Literal

import torch
from torch import Tensor

from ablab.components.dropout.dropout import Dropout


class StochasticDepth(Dropout):
    """Drop a whole residual branch of an image with some probability, while training.

    What is left is divided by the probability of staying. Branches nearer to the output are
    dropped more often where the decay is linear: with ``p * depth``.

    Args:
        generator: what is drawn from, and nothing else is; any device.
        depth: of the branch: its number, from 1, over how many there are; in [0, 1].
        p: probability with which the last branch is dropped, in [0, 1).
        decay: ``"linear"`` in depth, or ``"uniform"``: p at every depth.

    Raises:
        ValueError: a value is out of its range, or this place is no residual branch.

    Source: Huang et al. 2016, arXiv:1603.09382, equation 4. Ours: each image draws for itself,
    where the source draws once a batch; scaled in training instead of in testing.

    Example:
        >>> drop = StochasticDepth(torch.Generator().manual_seed(0), 0.5, p=0.4, decay="linear")
        >>> drop.p
        0.2
    """

    place = "branches"

    def __init__(
        self,
        generator: torch.Generator,
        depth: float | None,
        p: float,
        decay: Literal["linear", "uniform"],
    ) -> None:
        if depth is None:
            raise ValueError(
                "dropout._target_ must be one that serves without residual branches, "
                "got stochastic depth"
            )
        if decay not in ("linear", "uniform"):
            raise ValueError(f"decay must be one of linear, uniform, got {decay}")
        if not 0 <= depth <= 1:
            raise ValueError(f"depth must be in [0, 1], got {depth}")
        if not 0 <= p < 1:
            raise ValueError(f"p must be in [0, 1), got {p}")
        super().__init__(generator, p * depth if decay == "linear" else p)

    def mask_shape(self, x: Tensor) -> tuple[int, ...]:
        """Return one entry for each image."""
        return (len(x), *(1 for _ in x.shape[1:]))

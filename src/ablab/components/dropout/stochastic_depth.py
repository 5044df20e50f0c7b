"""Stochastic depth."""

from typing import Literal

import torch
from torch import Tensor

from ablab.components.dropout.dropout import Dropout


class StochasticDepth(Dropout):
    """Drop the residual branch of an image with some probability, during training.

    Kept branches are divided by the probability of being kept. With linear decay, branches nearer
    to the output are dropped more often: with probability ``p * depth``.

    Args:
        generator: source of the masks, used for nothing else; any device.
        depth: of the branch: its number, from 1, over the number of branches; in [0, 1].
        p: probability that the last branch is dropped, in [0, 1).
        decay: ``"linear"`` in depth, or ``"uniform"``: p at every depth.

    Raises:
        ValueError: a value is out of its range, or the site is not a residual branch.

    Source: Huang et al. 2016, arXiv:1603.09382, equation 4. Ours: one draw per image, where the
    source draws once per batch; scaled in training instead of in testing.

    Example:
        >>> drop = StochasticDepth(torch.Generator().manual_seed(0), 0.5, p=0.4, decay="linear")
        >>> drop.p
        0.2
    """

    site = "branches"

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
        """Return a shape with one entry for each image."""
        return (len(x), *(1 for _ in x.shape[1:]))

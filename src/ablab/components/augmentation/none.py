"""No augmentation."""

from collections.abc import Callable

import torch
from torch import Tensor


def none() -> Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]:
    """Return the identity; it draws nothing.

    Source: the control of every augmentation.
    """
    return unchanged


def unchanged(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return images (N, C, H, W) and targets (N,) unchanged."""
    return x, y

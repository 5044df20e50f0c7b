"""Output shapes of layers, measured with a blank image, and checks of widths."""

from typing import Any

import torch
from torch import nn


@torch.no_grad()
def shape_after(layers: nn.Module, channels: int, side: int) -> tuple[int, ...]:
    """Return the output shape of layers for an input (channels, side, side).

    It is measured, since a pooling need not follow the usual formula.

    Args:
        layers: run in eval mode, and set to training mode afterwards.
        channels: input planes.
        side: H and W, in pixels.

    Raises:
        ValueError: a window is larger than the map it reads.

    Source: ours; floor((n + 2 p - d (k - 1) - 1) / s) + 1 for every layer that keeps the formula.
    """
    blank = torch.zeros(1, channels, side, side)
    try:
        shape: tuple[int, ...] = tuple(layers.eval()(blank).shape[1:])
    except RuntimeError as error:  # torch's error for a map without pixels
        raise ValueError(f"window must fit into a map of {side} pixels, got {error}") from error
    finally:
        layers.train()
    return shape


def check_widths(name: str, widths: Any) -> list[int]:
    """Return a list of sizes, also of a single one.

    Raises:
        ValueError: a size is not a positive integer.
    """
    sizes: list[int] = [widths] if isinstance(widths, int) else list(widths)
    if not all(isinstance(size, int) and size >= 1 for size in sizes):
        raise ValueError(f"{name} must be positive integers, got {widths}")
    return sizes

"""What becomes of an image's size; measured, for a pooling may do as it likes."""

from typing import Any

import torch
from torch import nn


@torch.no_grad()
def shape_after(layers: nn.Module, channels: int, side: int) -> tuple[int, ...]:
    """Return what (channels, side, side) becomes.

    Args:
        layers: what it passes through, in eval mode; its mode is training afterwards.
        channels: planes that come in.
        side: H and W, in pixels.

    Raises:
        ValueError: a window is larger than the map it reads.

    Source: ours; floor((n + 2 p - d (k - 1) - 1) / s) + 1 for every layer that keeps the formula.
    """
    blank = torch.zeros(1, channels, side, side)
    try:
        shape: tuple[int, ...] = tuple(layers.eval()(blank).shape[1:])
    except RuntimeError as error:  # torch's word for a map without pixels
        raise ValueError(f"window must fit into a map of {side} pixels, got {error}") from error
    finally:
        layers.train()
    return shape


def widths_or_fault(name: str, widths: Any) -> list[int]:
    """Return a list of sizes, one alone as a list of one.

    Raises:
        ValueError: one is no positive integer.
    """
    sizes: list[int] = [widths] if isinstance(widths, int) else list(widths)
    if not all(isinstance(size, int) and size >= 1 for size in sizes):
        raise ValueError(f"{name} must be positive integers, got {widths}")
    return sizes

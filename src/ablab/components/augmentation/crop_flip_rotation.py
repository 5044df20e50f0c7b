"""Random crop, horizontal flip and rotation."""

import torch
from torch import Tensor

from ablab.components.augmentation.crop_flip import CropFlip
from ablab.components.augmentation.rotation import Rotation


class CropFlipRotation:
    """Shift and flip each image, and then rotate it.

    Args:
        padding: border on each side, in pixels, >= 0 (see `CropFlip`).
        flip_p: probability of a flip, in [0, 1].
        degrees: largest angle in either direction, in [0, 180] (see `Rotation`).

    Raises:
        ValueError: a value is out of its range.

    Source: github.com/weiaicunzai/pytorch-cifar100, whose rotation uses the nearest pixel.
    """

    def __init__(self, padding: int, flip_p: float, degrees: float) -> None:
        self._crop_flip, self._rotation = CropFlip(padding, flip_p), Rotation(degrees)

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return changed images (N, C, H, W) and the same targets."""
        return self._rotation(*self._crop_flip(x, y, generator), generator)

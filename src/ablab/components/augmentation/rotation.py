"""Random rotation."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


class Rotation:
    """Rotate each image about its center by a uniformly drawn angle, with black corners.

    The angle is drawn per image; the whole batch is computed at once, on its device, with bilinear
    interpolation.

    Args:
        degrees: largest angle in either direction, in [0, 180].

    Raises:
        ValueError: ``degrees`` is out of its range.

    Source: Simard et al. 2003, Best practices for convolutional neural networks, section 2.

    Example:
        >>> x, y = torch.ones(2, 1, 4, 4), torch.tensor([3, 5])
        >>> Rotation(degrees=0)(x, y, torch.Generator())[0].equal(x)
        True
    """

    def __init__(self, degrees: float) -> None:
        if not 0 <= degrees <= 180:
            raise ValueError(f"degrees must be in [0, 180], got {degrees}")
        self.degrees = degrees

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return rotated images and the same targets.

        Args:
            x: (N, C, H, W), in [0, 1], before standardization, so that 0 is black.
            y: targets, unchanged.
            generator: source of the angles; any device.

        Returns:
            Images of the shape, dtype and device of ``x``, and ``y``.
        """
        drawn = torch.rand(len(x), generator=generator, device=generator.device).to(x.device)
        return rotate(x, (2 * drawn - 1) * math.radians(self.degrees)), y


def rotate(x: Tensor, angle: Tensor) -> Tensor:
    """Return images (N, C, H, W) rotated counterclockwise by angles (N,), in radians.

    The memory layout is kept; values are clipped to [0, 1].
    """
    H, W = x.shape[2:]
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # Source of each pixel, in coordinates from -1 to 1 along either axis.
    rows = [torch.stack([cos, -sin * H / W, zero], 1), torch.stack([sin * W / H, cos, zero], 1)]
    grid = F.affine_grid(torch.stack(rows, 1).to(x.dtype), list(x.shape), align_corners=False)
    out = F.grid_sample(x, grid, padding_mode="zeros", align_corners=False).clamp_(0, 1)
    is_last = x.is_contiguous(memory_format=torch.channels_last)
    return out.contiguous(memory_format=torch.channels_last if is_last else torch.contiguous_format)

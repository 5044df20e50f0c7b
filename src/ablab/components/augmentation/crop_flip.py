"""Random crop and horizontal flip."""

import torch
import torch.nn.functional as F
from torch import Tensor


class CropFlip:
    """Shift each image within a black border, and flip it horizontally.

    Shift and flip are drawn per image; the whole batch is computed at once, on its device.

    Args:
        padding: border on each side, in pixels, >= 0.
        flip_p: probability of a flip, in [0, 1].

    Raises:
        ValueError: a value is out of its range.

    Source: He et al. 2016, arXiv:1512.03385, section 4.2 (padding 4, flip).

    Example:
        >>> x, y = torch.ones(2, 1, 4, 4), torch.tensor([3, 5])
        >>> CropFlip(padding=0, flip_p=0.5)(x, y, torch.Generator())[0].equal(x)
        True
    """

    def __init__(self, padding: int, flip_p: float) -> None:
        if padding < 0:
            raise ValueError(f"padding must be >= 0, got {padding}")
        if not 0 <= flip_p <= 1:
            raise ValueError(f"flip_p must be in [0, 1], got {flip_p}")
        self.padding = padding
        self.flip_p = flip_p

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return shifted and flipped images and the same targets.

        Args:
            x: (N, C, H, W), before standardization, so that 0 is black.
            y: targets, unchanged.
            generator: source of shifts and flips; any device.

        Returns:
            Images of the shape, dtype and device of ``x``, and ``y``.
        """
        N, _, H, W = x.shape
        device = generator.device
        shift = torch.randint(2 * self.padding + 1, (2, N), generator=generator, device=device)
        flip = torch.rand(N, generator=generator, device=device).to(x.device) < self.flip_p
        top, left = shift.to(x.device)
        image = torch.arange(N, device=x.device)
        crops = F.pad(x, (self.padding,) * 4).unfold(2, H, 1).unfold(3, W, 1)
        moved = crops[image, :, top, left]
        return torch.where(flip[:, None, None, None], moved.flip(3), moved), y

"""A custom augmentation."""

import torch
from torch import Tensor


class Mine:
    """Make each image brighter or darker.

    Args:
        std: standard deviation of the offset, where white is 1; >= 0.

    Raises:
        ValueError: ``std`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(self, std: float) -> None:
        if std < 0:
            raise ValueError(f"std must be >= 0, got {std}")
        self.std = std

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return changed images, and the same targets.

        Args:
            x: (N, C, H, W), in [0, 1].
            y: targets, unchanged.
            generator: source of all random draws.
        """
        drawn = torch.randn((len(x), 1, 1, 1), generator=generator, device=generator.device)
        return (x + self.std * drawn.to(x.device, x.dtype)).clamp(0, 1), y

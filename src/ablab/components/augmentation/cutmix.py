"""CutMix."""

import torch
from torch import Tensor

from ablab.components.augmentation.mixing import beta, mixed_targets, partners


class CutMix:
    """Replace a rectangle of each image by that of another; targets are mixed by the area.

    One rectangle per batch, with the aspect ratio of the images: its area is drawn from
    Beta(alpha, alpha), its center uniformly; it is clipped at the border.

    Args:
        num_classes: K.
        alpha: > 0; at 1 all areas are equally likely.
        p: probability that a batch is mixed, in [0, 1].

    Raises:
        ValueError: a value is out of its range.

    Source: Yun et al. 2019, arXiv:1905.04899, algorithm A1, with its authors' ``p``.

    Example:
        >>> x, y = torch.ones(2, 1, 4, 4), torch.tensor([1, 1])
        >>> CutMix(num_classes=3, alpha=1.0, p=1.0)(x, y, torch.Generator())[1]
        tensor([[0., 1., 0.],
                [0., 1., 0.]])
    """

    def __init__(self, num_classes: int, alpha: float, p: float) -> None:
        if not alpha > 0:
            raise ValueError(f"alpha must be > 0, got {alpha}")
        if not 0 <= p <= 1:
            raise ValueError(f"p must be in [0, 1], got {p}")
        self.num_classes, self.alpha, self.p = num_classes, alpha, p

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return mixed images and soft targets.

        Args:
            x: (N, C, H, W).
            y: (N,) class indices or (N, K) probabilities.
            generator: source of rectangle and partners; any device.

        Returns:
            Images of the shape, dtype and device of ``x``, and (N, K) probabilities.
        """
        patch = self._patch(x, generator).to(x.device)
        partner = partners(x, generator)
        own = 1 - patch.float().mean()
        return torch.where(patch, x[partner], x), mixed_targets(y, partner, own, self.num_classes)

    def _patch(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return a mask (H, W), true in the rectangle."""
        H, W = x.shape[2:]
        side = (1 - beta(self.alpha, generator)).sqrt()
        down, right, mixes = torch.rand(3, generator=generator, device=generator.device)
        lines = []
        for length, drawn in ((H, down), (W, right)):
            half, center = (side * length).long() // 2, (drawn * length).long()
            pixel = torch.arange(length, device=generator.device)
            lines.append((pixel >= center - half) & (pixel < center + half))
        patch: Tensor = lines[0][:, None] & lines[1] & (mixes < self.p)
        return patch

"""Mixup."""

import torch
from torch import Tensor

from ablab.components.augmentation.mixing import beta, mixed_targets, partners


class Mixup:
    """Average each image and its target with those of another image of the batch.

    The weight is drawn from Beta(alpha, alpha), once per batch.

    Args:
        num_classes: K.
        alpha: > 0; at 1 the weight is uniform, near 0 most batches hardly change.

    Raises:
        ValueError: ``alpha`` is out of its range.

    Source: Zhang et al. 2018, arXiv:1710.09412, figure 1.

    Example:
        >>> x, y = torch.ones(2, 1, 4, 4), torch.tensor([1, 1])
        >>> Mixup(num_classes=3, alpha=1.0)(x, y, torch.Generator())[1]
        tensor([[0., 1., 0.],
                [0., 1., 0.]])
    """

    def __init__(self, num_classes: int, alpha: float) -> None:
        if not alpha > 0:
            raise ValueError(f"alpha must be > 0, got {alpha}")
        self.num_classes, self.alpha = num_classes, alpha

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return mixed images and soft targets.

        Args:
            x: (N, C, H, W).
            y: (N,) class indices or (N, K) probabilities.
            generator: source of weight and partners; any device.

        Returns:
            Images of the shape, dtype and device of ``x``, and (N, K) probabilities.
        """
        share = beta(self.alpha, generator).to(x.device)
        partner = partners(x, generator)
        return x.lerp(x[partner], 1 - share), mixed_targets(y, partner, share, self.num_classes)

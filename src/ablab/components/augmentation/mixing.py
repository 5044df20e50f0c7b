"""Functions of augmentations that mix two images."""

import torch
import torch.nn.functional as F
from torch import Tensor


def beta(alpha: float, generator: torch.Generator) -> Tensor:
    """Return one number drawn from Beta(alpha, alpha), on the generator's device.

    Args:
        alpha: > 0.
        generator: source of the number.

    Source: Johnson et al. 1995, Continuous univariate distributions 2, chapter 25: the share of
    one of two gamma variables in their sum. In float64 both are never zero at once.
    """
    concentration = torch.full((2,), alpha, dtype=torch.float64, device=generator.device)
    one, other = torch._standard_gamma(concentration, generator=generator)
    share: Tensor = (one / (one + other)).float()
    return share


def partners(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return the index of the image that each is mixed with, (N,), a permutation."""
    order = torch.randperm(len(x), generator=generator, device=generator.device)
    return order.to(x.device)


def mixed_targets(y: Tensor, partner: Tensor, share: Tensor, num_classes: int) -> Tensor:
    """Return soft targets (N, K): ``share`` of an image's own target, the rest of its partner's.

    Args:
        y: (N,) class indices or (N, K) probabilities.
        partner: (N,).
        share: scalar, in [0, 1].
        num_classes: K.
    """
    own = (F.one_hot(y, num_classes) if y.ndim == 1 else y).to(share.dtype)
    return share * own + (1 - share) * own[partner]

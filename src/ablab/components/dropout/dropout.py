"""Dropout with its own generator."""

import torch
from torch import Tensor, nn

from ablab.components.batch_generator import draw


class Dropout(nn.Module):
    """Zero each element with probability p and divide the rest by 1 - p, during training.

    Args:
        generator: source of the masks, used for nothing else; any device.
        p: probability of zero, in [0, 1).

    Raises:
        ValueError: p is out of its range.

    Source: Srivastava et al. 2014, JMLR 15; scaled in training instead of in testing.

    Example:
        >>> drop = Dropout(torch.Generator().manual_seed(0), p=0.5)
        >>> sorted(set(drop(torch.ones(100)).tolist()))
        [0.0, 2.0]
        >>> drop.eval()(torch.ones(3))
        tensor([1., 1., 1.])
    """

    def __init__(self, generator: torch.Generator, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p must be in [0, 1), got {p}")
        self.generator = generator
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape and dtype of ``x``."""
        if not self.training or self.p == 0:
            return x
        return x * self.mask(x).to(x.device, x.dtype) / (1 - self.p)

    def mask(self, x: Tensor) -> Tensor:
        """Return a random mask, float32: 1 for kept and 0 for dropped elements."""
        return draw(
            self.generator,
            self.mask_shape(x),
            lambda kept: kept.bernoulli_(1 - self.p, generator=self.generator),
        )

    def mask_shape(self, x: Tensor) -> tuple[int, ...]:
        """Return the shape of the mask; elements that share an entry are dropped together."""
        return tuple(x.shape)

    def extra_repr(self) -> str:
        """Return the hyper-parameter, for printing."""
        return f"p={self.p}"

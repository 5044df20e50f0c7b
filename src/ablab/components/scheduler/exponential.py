"""Exponential decay."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ExponentialLR, LRScheduler


def exponential(optimizer: Optimizer, total_steps: int, final_factor: float) -> LRScheduler:
    """Return a multiplication of the lr by one factor at each step, down to ``final_factor`` of it.

    Args:
        optimizer: whose lr is what it starts with.
        total_steps: optimizer steps of the whole trial, >= 1.
        final_factor: the lr after the last step over the first, in (0, 1].

    Raises:
        ValueError: ``final_factor`` is out of its range.

    Source: torch's ExponentialLR, whose factor a step is ``final_factor ** (1 / total_steps)``, so
    that the number of epochs may change alone.
    """
    if not 0 < final_factor <= 1:
        raise ValueError(f"final_factor must be in (0, 1], got {final_factor}")
    return ExponentialLR(optimizer, final_factor ** (1 / total_steps))

"""Exponential decay."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ExponentialLR, LRScheduler


def exponential(optimizer: Optimizer, total_steps: int, final_factor: float) -> LRScheduler:
    """Return exponential decay of the lr to ``final_factor`` times its initial value.

    Args:
        optimizer: its lr is the initial one.
        total_steps: optimizer steps of the whole trial, >= 1.
        final_factor: ratio of the lr after the last step to the first, in (0, 1].

    Raises:
        ValueError: ``final_factor`` is out of its range.

    Source: torch's ExponentialLR with the factor ``final_factor ** (1 / total_steps)`` per step, so
    that the setting does not depend on the number of epochs.
    """
    if not 0 < final_factor <= 1:
        raise ValueError(f"final_factor must be in (0, 1], got {final_factor}")
    return ExponentialLR(optimizer, final_factor ** (1 / total_steps))

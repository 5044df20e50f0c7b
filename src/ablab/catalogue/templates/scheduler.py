"""A custom scheduler."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


def mine(optimizer: Optimizer, total_steps: int, power: float) -> LRScheduler:
    """Return polynomial decay of the lr: ``(1 - t / total_steps) ** power`` times the initial lr.

    Args:
        optimizer: its lr is the initial one.
        total_steps: optimizer steps of the whole trial, >= 1.
        power: > 0.

    Raises:
        ValueError: ``power`` is out of its range.

    Source: ours; state the source here.
    """
    if power <= 0:
        raise ValueError(f"power must be > 0, got {power}")
    return LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total_steps) ** power)

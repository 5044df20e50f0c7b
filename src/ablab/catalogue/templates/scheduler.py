"""A scheduler of one's own."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


def mine(optimizer: Optimizer, total_steps: int, power: float) -> LRScheduler:
    """Return a fall of the lr to zero: ``(1 - t / total_steps) ** power`` times the first.

    Args:
        optimizer: whose lr is the first.
        total_steps: optimizer steps of the whole trial, >= 1.
        power: > 0.

    Raises:
        ValueError: ``power`` is out of its range.

    Source: ours; say here where it is from.
    """
    if power <= 0:
        raise ValueError(f"power must be > 0, got {power}")
    return LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total_steps) ** power)

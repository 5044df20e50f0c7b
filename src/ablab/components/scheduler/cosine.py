"""Cosine annealing."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler


def cosine(optimizer: Optimizer, total_steps: int, eta_min: float) -> LRScheduler:
    """Return cosine annealing from the optimizer's lr to ``eta_min``, without restarts.

    Args:
        optimizer: its lr is the initial one.
        total_steps: optimizer steps of the whole trial, >= 1.
        eta_min: the lr after the last step, from 0 to the optimizer's lr.

    Raises:
        ValueError: ``eta_min`` is out of its range.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5.
    """
    lr = min(group["lr"] for group in optimizer.param_groups)
    if not 0 <= eta_min <= lr:
        raise ValueError(f"eta_min must be in [0, optimizer.lr = {lr}], got {eta_min}")
    return CosineAnnealingLR(optimizer, T_max=total_steps, eta_min=eta_min)

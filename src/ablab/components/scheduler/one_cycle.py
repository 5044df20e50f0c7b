"""The one-cycle policy."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


def one_cycle(
    optimizer: Optimizer,
    total_steps: int,
    pct_start: float,
    div_factor: float,
    final_div_factor: float,
) -> LRScheduler:
    """Return a rise to the optimizer's lr and a decay below the initial lr, both half cosines.

    As torch's OneCycleLR with its peak at the optimizer's lr and constant momentum; unlike it, any
    number of steps works, and a step after the last one keeps the last lr.

    Args:
        optimizer: its lr is the peak.
        total_steps: optimizer steps of the whole trial, >= 1.
        pct_start: fraction of the steps in which the lr rises, in (0, 1).
        div_factor: ratio of the peak to the first lr, >= 1.
        final_div_factor: ratio of the first lr to the last, >= 1.

    Raises:
        ValueError: a value is out of its range.

    Source: Smith and Topin 2018, arXiv:1708.07120, with the cosine form of fast.ai.
    """
    if not 0 < pct_start < 1:
        raise ValueError(f"pct_start must be in (0, 1), got {pct_start}")
    if div_factor < 1:
        raise ValueError(f"div_factor must be >= 1, got {div_factor}")
    if final_div_factor < 1:
        raise ValueError(f"final_div_factor must be >= 1, got {final_div_factor}")
    first, last = 1 / div_factor, 1 / (div_factor * final_div_factor)
    peak_step = pct_start * total_steps - 1

    def share_of_peak(step: int) -> float:
        if step < peak_step:
            return _half_cosine(first, 1, step / peak_step)
        return _half_cosine(1, last, min(1, (step - peak_step) / (total_steps - 1 - peak_step)))

    return LambdaLR(optimizer, share_of_peak)


def _half_cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2

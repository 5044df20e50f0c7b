"""A linear warm-up."""

import math
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from ablab.components.scheduler.fractions import check_fraction, warmup_factor


def warmup(
    optimizer: Optimizer, total_steps: int, warmup: float, then: Literal["constant", "cosine"]
) -> LRScheduler:
    """Return a linear rise to the optimizer's lr, followed by this lr or a half cosine to zero.

    Args:
        optimizer: its lr is the peak.
        total_steps: optimizer steps of the whole trial, >= 1.
        warmup: length of the warm-up, a fraction of all steps, in [0, 1); rounded to whole steps.
        then: ``"constant"`` or ``"cosine"``.

    Raises:
        ValueError: a value is out of its range.

    Source: Goyal et al. 2017, arXiv:1706.02677, section 2.2; with the cosine of Loshchilov and
    Hutter 2017, arXiv:1608.03983. The first step has ``1 / (warmup_steps + 1)`` of the peak.
    """
    check_fraction("warmup", warmup, may_be_zero=True)
    if then not in ("constant", "cosine"):
        raise ValueError(f"then must be one of constant, cosine, got {then}")
    warmup_steps = round(warmup * total_steps)

    def share(step: int) -> float:
        if step < warmup_steps or then == "constant":
            return warmup_factor(step, warmup_steps)
        passed = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return (1 + math.cos(math.pi * min(1.0, passed))) / 2

    return LambdaLR(optimizer, share)

"""Multi-step decay with a warm-up."""

from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from ablab.components.scheduler.fractions import check_fraction, check_gamma, warmup_factor


def multi_step(
    optimizer: Optimizer,
    total_steps: int,
    milestones: Sequence[float],
    gamma: float,
    warmup: float,
) -> LRScheduler:
    """Return decay of the lr by ``gamma`` at each milestone, after a linear warm-up.

    Args:
        optimizer: its lr is the one after the warm-up.
        total_steps: optimizer steps of the whole trial, >= 1.
        milestones: fractions of all steps, each in (0, 1), ascending; rounded to whole steps.
        gamma: decay factor, in (0, 1].
        warmup: length of the warm-up, a fraction of all steps, in [0, 1); rounded to whole steps.

    Raises:
        ValueError: a value is out of its range.

    Source: He et al. 2016, arXiv:1512.03385, section 4.2. Torch's MultiStepLR counts steps and has
    no warm-up.
    """
    for milestone in milestones:
        check_fraction("milestones", milestone)
    if list(milestones) != sorted(milestones):
        raise ValueError(f"milestones must be ascending, got {list(milestones)}")
    check_gamma(gamma)
    check_fraction("warmup", warmup, may_be_zero=True)
    drops = [round(milestone * total_steps) for milestone in milestones]
    warmup_steps = round(warmup * total_steps)

    def share(step: int) -> float:
        return float(
            warmup_factor(step, warmup_steps) * gamma ** sum(step >= drop for drop in drops)
        )

    return LambdaLR(optimizer, share)

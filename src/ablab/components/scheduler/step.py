"""Step decay."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, StepLR

from ablab.components.scheduler.fractions import check_fraction, check_gamma


def step(optimizer: Optimizer, total_steps: int, step_size: float, gamma: float) -> LRScheduler:
    """Return decay of the lr by ``gamma`` after each ``step_size`` of the training.

    Args:
        optimizer: its lr is the initial one.
        total_steps: optimizer steps of the whole trial, >= 1.
        step_size: interval as a fraction of all steps, in (0, 1); rounded to whole steps.
        gamma: decay factor, in (0, 1].

    Raises:
        ValueError: a value is out of its range.

    Source: torch's StepLR, which counts steps; here fractions, so that the setting does not depend
    on the number of epochs.
    """
    check_fraction("step_size", step_size)
    check_gamma(gamma)
    return StepLR(optimizer, max(1, round(step_size * total_steps)), gamma)

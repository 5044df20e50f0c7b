"""Equal drops at equal distances."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, StepLR

from ablab.components.scheduler.fractions import check_fraction, check_gamma


def step(optimizer: Optimizer, total_steps: int, step_size: float, gamma: float) -> LRScheduler:
    """Return a drop of the lr to ``gamma`` of it after each ``step_size`` of the training.

    Args:
        optimizer: whose lr is what it starts with.
        total_steps: optimizer steps of the whole trial, >= 1.
        step_size: the distance as a fraction of all steps, in (0, 1); rounded to whole steps.
        gamma: factor of a drop, in (0, 1].

    Raises:
        ValueError: a value is out of its range.

    Source: torch's StepLR, which counts steps; so that the number of epochs may change alone, ours
    takes fractions.
    """
    check_fraction("step_size", step_size)
    check_gamma(gamma)
    return StepLR(optimizer, max(1, round(step_size * total_steps)), gamma)

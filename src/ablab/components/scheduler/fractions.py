"""Checks of hyper-parameters that several schedulers have, and the linear warm-up."""


def check_fraction(name: str, value: float, *, may_be_zero: bool = False) -> None:
    """Check a fraction of the training.

    Args:
        name: of the value, for the message.
        value: a fraction of all steps, in (0, 1), or in [0, 1).
        may_be_zero: whether the range includes 0.

    Raises:
        ValueError: it is out of its range.

    Source: Smith and Topin 2018, arXiv:1708.07120, for durations that are fractions.
    """
    if not 0 <= value < 1 or (value == 0 and not may_be_zero):
        raise ValueError(f"{name} must be in {'[' if may_be_zero else '('}0, 1), got {value}")


def check_gamma(gamma: float) -> None:
    """Check the decay factor, in (0, 1].

    Raises:
        ValueError: it is out of its range.
    """
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma must be in (0, 1], got {gamma}")


def warmup_factor(step: int, warmup_steps: int) -> float:
    """Return the factor of the lr at a step of a linear warm-up, 1 after it.

    It is ``1 / (warmup_steps + 1)`` at step 0, so that no step has an lr of 0.
    """
    return min(1.0, (step + 1) / (warmup_steps + 1))

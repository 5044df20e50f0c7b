"""Checks of hyper-parameters that several optimizers have."""

import math
from collections.abc import Sequence


def check_ranges(lr: float, betas: Sequence[float], weight_decay: float, eps: float = 1.0) -> None:
    """Check hyper-parameters.

    Args:
        lr: finite, > 0.
        betas: two numbers in [0, 1).
        weight_decay: finite, >= 0.
        eps: finite, > 0.

    Raises:
        ValueError: a value is out of its range.

    Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.
    """
    for name, value in (("lr", lr), ("eps", eps)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be a number > 0, got {value}")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas must be two numbers in [0, 1), got {list(betas)}")
    if not 0 <= weight_decay < math.inf:
        raise ValueError(f"weight_decay must be a number >= 0, got {weight_decay}")

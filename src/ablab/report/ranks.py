"""Mean ranks over blocks, and whether they differ, from five datasets on."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ranks:
    """How the variants rank, 1 being the best; ties share the mean of their ranks.

    Attributes:
        over: ``blocks``, or ``datasets`` from five of these on, architectures averaged first.
        count: how many of them there are.
        means: mean rank by variant, the best first; variants that lack a block are left out.
        friedman_p: of Friedman's test, or None below five datasets.
        critical_difference: of two mean ranks (Nemenyi, 5 %), or None likewise.
    """

    over: str
    count: int
    means: Mapping[str, float]
    friedman_p: float | None = None
    critical_difference: float | None = None

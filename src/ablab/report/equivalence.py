"""Whether a difference lies within a margin: two one-sided tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Equivalence:
    """A contrast held against the margin.

    Attributes:
        margin: half the width of what counts as equal, in the metric's unit.
        result: ``equivalent``, ``different`` or ``undecided``.
        interval90: the 90 % t interval of the mean difference, or None.
        p: of the two one-sided tests, the larger one.
        p_holm: the same, adjusted over the family.
        showable: the margin that this n could have shown, 4 times in 5; NaN if not known.
    """

    margin: float
    result: str
    interval90: tuple[float, float] | None
    p: float
    p_holm: float
    showable: float

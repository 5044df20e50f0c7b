"""The unit in which others logged a metric: stated, or the only one that all its values allow.

A metric that is called an accuracy is a share in [0, 1] or per cent in [0, 100]. No single value
tells which: 0.9 may be 0.9 %. So the values of all runs decide together, and where they leave
more than one reading, none is chosen. Other metrics are taken as logged unless a unit is stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ablab.errors import InputError
from ablab.text import is_accuracy, words

SHARE, PERCENT, NONE = UNITS = ("share", "percent", "none")
FACTORS = {SHARE: 1.0, PERCENT: 0.01, NONE: 1.0}
NEAR = 1e-6  # how far rounding carries a share above 1
SURELY_PERCENT = 1.5  # a value in (1, 1.5] may be a share that something went wrong with
_PROPORTIONS = {
    *("auc", "auroc", "auprc", "dice", "f", "iou", "jaccard", "map", "miou", "prec", "precision"),
    *("recall", "sensitivity", "specificity", "top"),
}
_LISTED = 5


@dataclass(frozen=True)
class Logged:
    """The finite values that one run logged of a metric.

    Attributes:
        run: what the run is called in a message.
        low, high: the least and the largest of them.
    """

    run: str
    low: float
    high: float

    @property
    def is_above(self) -> bool:
        """Tell whether it cannot be a share."""
        return self.high > 1 + NEAR

    @property
    def tells(self) -> bool:
        """Tell whether its reading depends on the unit: 0 is 0 in either."""
        return self.high > 0


def unit_logged(metric: str, values: Sequence[Logged], stated: str = "") -> str:
    """Return ``share``, ``percent`` or ``none``: as stated, or as all the values say.

    Args:
        metric: its name.
        values: of every run that counts; of a curve, those of all its epochs.
        stated: one of `UNITS`, or empty.

    Raises:
        InputError: the values allow more than one reading, or not the stated one; names runs.
    """
    if stated == NONE:
        return NONE
    if stated:
        return _as_stated(metric, values, stated)
    above = [v for v in values if v.is_above]
    up_to_one = [v for v in values if v.tells and not v.is_above]
    if not is_accuracy(metric):
        mixed = up_to_one and any(v.high > SURELY_PERCENT for v in above)
        if mixed and not _PROPORTIONS.isdisjoint(words(metric)):
            raise InputError(_ask(metric, up_to_one, above))
        return NONE
    outside = [v for v in values if v.low < -NEAR or v.high > 100 * (1 + NEAR)]
    if outside:
        raise InputError(
            f"--unit must be none where {metric} is neither a share nor per cent, got none "
            f"stated: {_named(outside)}"
        )
    if not above:
        return SHARE
    if up_to_one or any(v.high <= SURELY_PERCENT for v in above):
        raise InputError(_ask(metric, up_to_one, above))
    return PERCENT


def told(metric: str, unit: str, values: Sequence[Logged], stated: str = "") -> list[str]:
    """Return what a reader must know of the unit: nothing where a share was logged as one."""
    if stated == NONE and is_accuracy(metric):
        return [f"{metric} is shown as it was logged, as --unit none says."]
    if unit != PERCENT:
        return []
    if not stated:
        return [f"{metric} was logged in per cent and is read so: every value says so."]
    low = [v for v in values if v.tells and not v.is_above]
    more = f" {_count(low)} at most 1, which is read as 1 % or less: {_named(low)}." if low else ""
    return [f"{metric} is read as per cent, as --unit percent says.{more}"]


def _as_stated(metric: str, values: Sequence[Logged], stated: str) -> str:
    most = 1.0 if stated == SHARE else 100.0
    outside = [v for v in values if v.low < -NEAR or v.high > most * (1 + NEAR)]
    if outside:
        raise InputError(
            f"--unit {stated} must fit all values of {metric}, from 0 to {most:g}, got "
            f"{_named(outside)}"
        )
    return stated


def _ask(metric: str, up_to_one: Sequence[Logged], above: Sequence[Logged]) -> str:
    told = [f"{_count(above)} more than 1 ({_named(above)})"]
    if up_to_one:
        told.insert(0, f"{_count(up_to_one)} at most 1 ({_named(up_to_one)})")
    return (
        f"--unit must say how {metric} was logged, share, percent or none, where its values allow "
        f"more than one reading, got none stated: {' and '.join(told)}; runs that logged it in "
        "different units must be logged again in one"
    )


def _count(values: Sequence[Logged]) -> str:
    return f"{len(values)} run{'s have' if len(values) > 1 else ' has'}"


def _named(values: Sequence[Logged]) -> str:
    named = [f"{v.run} {v.low if v.low < -NEAR else v.high:.7g}" for v in values[:_LISTED]]
    more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
    return ", ".join(named) + more

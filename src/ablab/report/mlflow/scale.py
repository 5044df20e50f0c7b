"""The unit in which MLflow runs logged a metric: stated, or inferred from all values together.

A metric that is called an accuracy is a share in [0, 1] or per cent in [0, 100]. A single value
does not decide which: 0.9 may be 0.9 %. So the values of all runs decide together, and if they
are ambiguous, the user must state the unit. Other metrics are taken as logged unless a unit is
stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ablab.errors import InputError
from ablab.text import is_accuracy, metric_words

SHARE, PERCENT, NONE = UNITS = ("share", "percent", "none")
FACTORS = {SHARE: 1.0, PERCENT: 0.01, NONE: 1.0}
NEAR = 1e-6  # by how much rounding may lift a share above 1
SURELY_PERCENT = 1.5  # a value in (1, 1.5] may be a faulty share
_PROPORTIONS = {
    *("auc", "auroc", "auprc", "dice", "f", "iou", "jaccard", "map", "miou", "prec", "precision"),
    *("recall", "sensitivity", "specificity", "top"),
}
_MAX_LISTED = 5


@dataclass(frozen=True)
class LoggedRange:
    """The range of the finite values that one run logged of a metric.

    Attributes:
        run: the name of the run in messages.
        low, high: the smallest and the largest value.
    """

    run: str
    low: float
    high: float

    @property
    def is_above(self) -> bool:
        """Whether the values cannot be shares."""
        return self.high > 1 + NEAR

    @property
    def depends_on_unit(self) -> bool:
        """Whether the unit matters: 0 is 0 in either."""
        return self.high > 0


def unit_logged(metric: str, values: Sequence[LoggedRange], stated: str = "") -> str:
    """Return ``share``, ``percent`` or ``none``: as stated, or as all values together imply.

    Args:
        metric: the name of the metric.
        values: one range per run that counts; for a curve, over all its epochs.
        stated: one of `UNITS`, or empty.

    Raises:
        InputError: the values are ambiguous, or do not fit the stated unit; names runs.
    """
    if stated == NONE:
        return NONE
    if stated:
        return _as_stated(metric, values, stated)
    above = [v for v in values if v.is_above]
    up_to_one = [v for v in values if v.depends_on_unit and not v.is_above]
    if not is_accuracy(metric):
        mixed = up_to_one and any(v.high > SURELY_PERCENT for v in above)
        if mixed and not _PROPORTIONS.isdisjoint(metric_words(metric)):
            raise InputError(_ambiguous(metric, up_to_one, above))
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
        raise InputError(_ambiguous(metric, up_to_one, above))
    return PERCENT


def unit_notes(
    metric: str, unit: str, values: Sequence[LoggedRange], stated: str = ""
) -> list[str]:
    """Return a sentence on the unit, unless the metric was logged as a share."""
    if stated == NONE and is_accuracy(metric):
        return [f"{metric} is shown as it was logged, as --unit none says."]
    if unit != PERCENT:
        return []
    if not stated:
        return [f"{metric} was logged in per cent, as every value implies."]
    low = [v for v in values if v.depends_on_unit and not v.is_above]
    more = f" {_count(low)} at most 1, which is read as 1 % or less: {_named(low)}." if low else ""
    return [f"{metric} is read as per cent, as --unit percent says.{more}"]


def _as_stated(metric: str, values: Sequence[LoggedRange], stated: str) -> str:
    most = 1.0 if stated == SHARE else 100.0
    outside = [v for v in values if v.low < -NEAR or v.high > most * (1 + NEAR)]
    if outside:
        raise InputError(
            f"--unit {stated} must fit all values of {metric}, from 0 to {most:g}, got "
            f"{_named(outside)}"
        )
    return stated


def _ambiguous(metric: str, up_to_one: Sequence[LoggedRange], above: Sequence[LoggedRange]) -> str:
    """Return the message that asks for the unit."""
    groups = [f"{_count(above)} more than 1 ({_named(above)})"]
    if up_to_one:
        groups.insert(0, f"{_count(up_to_one)} at most 1 ({_named(up_to_one)})")
    return (
        f"--unit must say how {metric} was logged, share, percent or none, where its values allow "
        f"more than one reading, got none stated: {' and '.join(groups)}; runs that logged it in "
        "different units must be logged again in one"
    )


def _count(values: Sequence[LoggedRange]) -> str:
    return f"{len(values)} run{'s have' if len(values) > 1 else ' has'}"


def _named(values: Sequence[LoggedRange]) -> str:
    named = [f"{v.run} {v.low if v.low < -NEAR else v.high:.7g}" for v in values[:_MAX_LISTED]]
    more = f" and {len(values) - _MAX_LISTED} more" if len(values) > _MAX_LISTED else ""
    return ", ".join(named) + more

"""The gate: whether a change passes, for continuous integration and scripts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablab.errors import InputError
from ablab.formatting import join_words
from ablab.report.compare.change import Change
from ablab.report.compare.outcomes import Outcome, outcomes
from ablab.report.compare.text import unfinished

FAIL_IF: Mapping[str, tuple[str, ...]] = {  # condition -> outcomes that meet it
    "worse": ("worse",),
    "different": ("worse", "better"),
    "undecided": ("undecided",),
}
_ORDER = ("worse", "better", "undecided", "not worse", "equivalent", "same")


@dataclass(frozen=True)
class Gate:
    """The decision on a change.

    Attributes:
        fail_if: the conditions that were asked for.
        outcomes: one per variant and block.
        margin: the margin with its unit, or empty.
    """

    fail_if: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    margin: str = ""

    @property
    def failed(self) -> bool:
        """Whether a variant meets one of the conditions."""
        refused = {name for condition in self.fail_if for name in FAIL_IF[condition]}
        return any(outcome.name in refused for outcome in self.outcomes)

    @property
    def line(self) -> str:
        """The decision and the outcomes on one line."""
        margin = f", margin {self.margin}" if self.margin else ""
        asked = f"fail if {' or '.join(self.fail_if)}{margin}"
        return f"Gate {'failed' if self.failed else 'passed'} ({asked}): {self._listed()}."

    def _listed(self) -> str:
        texts = []
        for name in _ORDER:
            own = [outcome for outcome in self.outcomes if outcome.name == name]
            words = [f"{o.label} ({o.reason})" if o.reason else o.label for o in own]
            texts += [f"{name}: {join_words(words)}"] if own else []
        return "; ".join(texts)


def decide(change: Change, fail_if: Sequence[str], margin: float | None = None) -> Gate:
    """Decide whether a change passes.

    Args:
        change: from A to B.
        fail_if: conditions, each of `FAIL_IF`. ``worse`` without ``different`` asks for
            non-inferiority, anything else for equivalence.
        margin: the largest difference that does not matter, in the metric's unit; 0 by default.

    Raises:
        InputError: a condition is unknown, or the margin is not a number > 0.
    """
    check(fail_if, margin)
    text = "" if margin is None else change.unit.size(margin)
    conditions = tuple(name for name in FAIL_IF if name in fail_if)
    if reason := unfinished(change):
        return Gate(conditions, (Outcome("all variants", "undecided", reason),), text)
    one_sided = "worse" in conditions and "different" not in conditions
    return Gate(conditions, tuple(outcomes(change, margin or 0.0, one_sided=one_sided)), text)


def check(fail_if: Sequence[str], margin: float | None) -> None:
    """Check conditions and margin before anything is read.

    Raises:
        InputError: a condition is unknown, or the margin is not a number > 0.
    """
    for name in fail_if:
        if name not in FAIL_IF:
            raise InputError(f"--fail-if must be one of {', '.join(FAIL_IF)}, got {name or 'none'}")
    if margin is None:
        return
    if not fail_if:
        raise InputError(f"--margin must be given with --fail-if, got {margin} alone")
    if not (math.isfinite(margin) and margin > 0):
        raise InputError(
            "--margin must be a number > 0 in the metric's unit (0.002 is 0.2 points of an "
            f"accuracy), got {margin}"
        )

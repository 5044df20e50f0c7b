"""The outcome of each variant of a change: worse, better, or not, by more than a margin.

Each variant gets one outcome. Non-inferiority is one-sided, equivalence two-sided:

    worse           worse by more than the margin (two-sided test, as in the table)
    better          better by more than the margin; of two-sided outcomes alone
    equivalent      neither, by more than the margin (two one-sided tests at 5 %); likewise
    not worse       not worse by more than the margin (one-sided test at 2.5 %); of one-sided ones
    same            A and B have the same runs, or the same value on every seed
    undecided       anything else, or trials without a result

All tests are corrected by Holm over the variants and blocks of the change.

Source: Piaggio et al. 2012 (non-inferiority and equivalence trials, CONSORT) for the levels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ablab.formatting import Unit
from ablab.report.analysis.contrast import Contrast
from ablab.report.compare.change import Change, VariantChange
from ablab.report.text import phrases
from ablab.stats.equivalence import Equivalence, equivalences
from ablab.stats.noninferiority import noninferior_p
from ablab.stats.paired import ALPHA, holm, holm_levels, t_interval
from ablab.text import format_count

MIN_PAIRS = 3


@dataclass(frozen=True)
class Outcome:
    """The outcome of one variant.

    Attributes:
        label: the variant, with its block if there are several.
        name: one of those above.
        reason: the interval of the difference, or why it is undecided; may be empty.
    """

    label: str
    name: str
    reason: str = ""


def outcomes(change: Change, margin: float, *, one_sided: bool) -> Iterator[Outcome]:
    """Yield the outcome of every variant of A.

    Args:
        change: from A to B, with all trials done.
        margin: the largest difference that does not matter, >= 0, in the metric's unit.
        one_sided: whether only being worse matters (non-inferiority), not being better.
    """
    tests = iter(_tests([v.contrast for v in change.variants if v.contrast.n], margin))
    for variant in change.variants:
        if variant.contrast.n:
            yield next(tests).outcome(change.unit, one_sided=one_sided)
        else:
            yield _without_pairs(variant)
    yield from (Outcome(label, "undecided", "not in B") for label in change.removed)


def _without_pairs(variant: VariantChange) -> Outcome:
    if variant.shared and not variant.a:
        return Outcome(variant.label, "same")
    return Outcome(variant.label, "undecided", "no pair of trials is left")


@dataclass(frozen=True)
class _Tests:
    """The tests of one contrast, corrected over the family.

    Attributes:
        two_sided: of equivalence, and of a difference beyond the margin.
        p_not_worse: small if it is not worse by more than the margin.
        level: that Holm's method gives the test of ``p_not_worse``.
    """

    contrast: Contrast
    two_sided: Equivalence
    p_not_worse: float
    level: float

    def outcome(self, unit: Unit, *, one_sided: bool) -> Outcome:
        contrast, name = self.contrast, self._name(one_sided=one_sided)
        # A trial that crashed may be what the change broke: only a worse result stands without it.
        if contrast.left_out and name != "worse":
            pairs = format_count(contrast.left_out, "pair")
            return Outcome(contrast.variant, "undecided", f"{pairs} without a result")
        if name not in ("worse", "better", "undecided"):
            return Outcome(contrast.variant, name)
        is_open = one_sided and name == "undecided"
        return Outcome(contrast.variant, name, _reason(contrast, self._interval(is_open), unit))

    def _interval(self, is_open: bool) -> tuple[float, float] | None:
        """Return the interval at the Holm step of the test that decided, or left it open."""
        if is_open:
            return t_interval(self.contrast.differences, self.level)
        return self.two_sided.outside_interval

    def _name(self, *, one_sided: bool) -> str:
        contrast, is_better = self.contrast, self.contrast.mean * self.contrast.direction > 0
        if contrast.n >= MIN_PAIRS and not (contrast.differences.any() or any(contrast.uncounted)):
            return "same"
        # Diverged trials without a value flatter the side that has them: it cannot win.
        beyond = self.two_sided.p_different_holm <= ALPHA
        if beyond and not contrast.uncounted[0 if is_better else 1]:
            return "worse" if not is_better else "not worse" if one_sided else "better"
        if one_sided:
            is_shown = self.p_not_worse <= ALPHA and not contrast.uncounted[0]
            return "not worse" if is_shown else "undecided"
        is_equivalent = self.two_sided.p_holm <= ALPHA and not any(contrast.uncounted)
        return "equivalent" if is_equivalent else "undecided"


def _reason(contrast: Contrast, interval: tuple[float, float] | None, unit: Unit) -> str:
    if contrast.n < MIN_PAIRS:
        return f"n = {contrast.n}, a test needs three pairs"
    if interval is None:
        return f"{unit.bare(contrast.mean, signed=True)}{unit.points} on every seed"
    name = phrases.interval_name(contrast)
    return f"{name} {unit.interval(interval)}{unit.points}{phrases.notes(contrast)}"


def _tests(contrasts: list[Contrast], margin: float) -> list[_Tests]:
    if not contrasts:
        return []
    both = equivalences([c.differences for c in contrasts], margin)
    p = np.array([float(noninferior_p(c.differences * c.direction, margin)) for c in contrasts])
    adjusted, levels = holm(p), holm_levels(p)
    return [
        _Tests(contrast, both[i], float(adjusted[i]), float(levels[i]))
        for i, contrast in enumerate(contrasts)
    ]

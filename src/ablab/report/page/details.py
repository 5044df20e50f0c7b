"""The table of contrasts in detail."""

from collections.abc import Mapping, Sequence

from ablab.formatting import MINUS, NONE, Unit, format_number, format_percent
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.kinds import kind_of
from ablab.report.page.contrast_columns import (
    Formatter,
    detectable_margin,
    difference,
    differences,
    holm_p,
    inside,
    interval90,
    outside,
    sign_flip_p,
    step_interval,
)
from ablab.report.page.table import Table
from ablab.stats import paired

MOST_SEEDS = 10
SEEDS = "by seed"
HOLM_P = "Holm p"
HEDGES = "Hedges' g (paired)"
STEP = "Holm-adjusted interval"
INSIDE = "equivalence: Holm-adjusted interval"
OUTSIDE = "difference: Holm-adjusted interval"
INTERVAL90 = "90 % interval, unadjusted"
FLIP_P = "sign-flip p"
DETECTABLE = "minimum detectable difference (80 % power)"
MARGIN = "detectable margin (80 % power)"
CONVERGED = "converged trials only"


def _converged(contrast: Contrast, unit: Unit) -> str:
    if not contrast.converged.size:
        return NONE
    mean = unit.bare(float(contrast.converged.mean()), signed=True)
    return f"{mean} (n = {contrast.converged.size})"


def _winning(contrast: Contrast, _: Unit) -> str:
    bounds = contrast.won_interval
    return NONE if bounds is None else " to ".join(format_percent(share, 0) for share in bounds)


DETAILS: Mapping[str, Formatter] = {
    SEEDS: differences,
    "mean": difference,
    STEP: step_interval,
    INSIDE: inside,
    OUTSIDE: outside,
    INTERVAL90: interval90,
    "95 % interval, new test images": lambda c, unit: unit.interval(c.images_interval),
    "BCa bootstrap interval": lambda c, unit: unit.interval(c.bca),
    HOLM_P: holm_p,
    FLIP_P: sign_flip_p,
    HEDGES: lambda c, _: format_number(paired.hedges(c.differences), 2),
    "probability of winning a seed (95 % interval)": _winning,
    DETECTABLE: lambda c, unit: unit.bare(c.minimum_detectable_difference),
    MARGIN: detectable_margin,
    CONVERGED: _converged,
}
OF_TESTS = (STEP, INSIDE, OUTSIDE, INTERVAL90, HOLM_P, FLIP_P, DETECTABLE, MARGIN)
OF_ZERO = (STEP, HOLM_P)  # they test a difference of zero, which is not asked beside a margin
ALWAYS = ("mean", HEDGES, HOLM_P)


def contrasts_table(
    comparison: Comparison, contrasts: Sequence[Contrast], *, tested: bool
) -> Table:
    """Return a table with one row per contrast.

    Empty columns are left out, and so are the differences by seed if there are more than
    `MOST_SEEDS`.

    Args:
        comparison: the comparison of the contrasts.
        contrasts: those of its family that are shown.
        tested: whether a verdict was given, so that tests may be shown.
    """
    hidden = set() if tested and kind_of(comparison.kind).tests_variants else set(OF_TESTS)
    if any(c.equivalence for c in contrasts):
        hidden |= set(OF_ZERO)
    if all(c.converged.size == c.n for c in contrasts):
        hidden.add(CONVERGED)
    if any(c.n > MOST_SEEDS for c in contrasts):
        hidden.add(SEEDS)
    columns = {
        name: [form(contrast, comparison.unit) for contrast in contrasts]
        for name, form in DETAILS.items()
        if name not in hidden
    }
    shown = {
        name: texts
        for name, texts in columns.items()
        if name in ALWAYS or any(text != NONE for text in texts)
    }
    names = [f"{contrast.variant} {MINUS} {contrast.reference}" for contrast in contrasts]
    rows = tuple((texts, "") for texts in zip(names, *shown.values(), strict=True))
    return Table((), ("contrast", *shown), rows)

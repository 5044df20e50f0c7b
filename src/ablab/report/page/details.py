"""The table of contrasts in detail."""

from collections.abc import Mapping, Sequence

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.formatting import MINUS, NONE, number
from ablab.report.kinds import kind_of
from ablab.report.page.contrast_columns import (
    Tell,
    detectable_margin,
    flip_p,
    holm_p,
    inside,
    interval90,
    outside,
    step_interval,
)
from ablab.report.page.tables import Table
from ablab.stats import paired

MOST_SEEDS = 10
IMAGES = "95 % interval on new images too"
SEEDS = "by seed"
INSIDE = "equivalence: interval at its Holm step"
OUTSIDE = "difference: interval at its Holm step"
DETAILS: Mapping[str, Tell] = {
    SEEDS: lambda c, unit: ", ".join(unit.bare(d, signed=True) for d in c.differences) or NONE,
    "mean": lambda c, unit: unit.bare(c.mean, signed=True),
    "interval at its Holm step": step_interval,
    INSIDE: inside,
    OUTSIDE: outside,
    "90 % interval, alone": interval90,
    IMAGES: lambda c, unit: unit.interval(c.images_interval),
    "BCa bootstrap": lambda c, unit: unit.interval(c.bca),
    "Holm p": holm_p,
    "sign-flip p": flip_p,
    "in sd (Hedges)": lambda c, _: number(paired.hedges(c.differences), 2),
    "wins a seed with probability": lambda c, _: _shares(c.won_interval),
    "found 4 times in 5": lambda c, unit: unit.bare(c.minimum_detectable_difference),
    "margin that n could show": detectable_margin,
    "converged alone": lambda c, unit: (
        f"{unit.bare(float(c.converged.mean()), signed=True)} (n = {c.converged.size})"
        if c.converged.size
        else NONE
    ),
}
UNTESTED = (
    *("interval at its Holm step", INSIDE, OUTSIDE, "90 % interval, alone", "Holm p"),
    *("sign-flip p", "found 4 times in 5", "margin that n could show"),
)
OF_ZERO = (
    "interval at its Holm step",
    "Holm p",
)  # where a margin is asked about they decide nothing
ALWAYS = ("mean", "in sd (Hedges)", "Holm p")


def contrasts_table(
    comparison: Comparison, contrasts: Sequence[Contrast], *, tested: bool
) -> Table:
    """Return a row a contrast, given those of the family that are shown.

    Columns that have nothing to tell of any of them are left out, and so are the differences by
    seed where there are more than `MOST_SEEDS`.
    """
    hidden = set() if tested and kind_of(comparison.kind).tests_variants else set(UNTESTED)
    if any(c.equivalence for c in contrasts):
        hidden |= set(OF_ZERO)
    if all(c.converged.size == c.n for c in contrasts):
        hidden.add("converged alone")
    if any(c.n > MOST_SEEDS for c in contrasts):
        hidden.add(SEEDS)
    unit = comparison.unit
    told = {
        name: [tell(contrast, unit) for contrast in contrasts]
        for name, tell in DETAILS.items()
        if name not in hidden
    }
    shown = {n: ts for n, ts in told.items() if n in ALWAYS or any(text != NONE for text in ts)}
    names = [f"{contrast.variant} {MINUS} {contrast.reference}" for contrast in contrasts]
    rows = tuple((texts, "") for texts in zip(names, *shown.values(), strict=True))
    return Table((), ("contrast", *shown), rows)


def _shares(bounds: tuple[float, float] | None) -> str:
    return NONE if bounds is None else " to ".join(f"{100 * x:.0f} %" for x in bounds)

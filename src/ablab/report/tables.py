"""The tables of a report, as text: variants with their cost, and contrasts in detail."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ablab.report import statistics
from ablab.report.comparison import Comparison
from ablab.report.contrast import Contrast, Group
from ablab.report.cost import middle
from ablab.report.unit import MINUS, NONE, Unit, number, p_value, quantity


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        spans: titles over the columns, each with how many columns it stands over.
        columns: their titles; the first is the row's name.
        rows: a text a column, and a mark that goes with the row's name.
    """

    spans: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], str], ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """The columns at which a title over the columns begins."""
        widths = [width for _, width in self.spans]
        return tuple(accumulate(widths[:-1]))


def variants_table(
    comparison: Comparison, variants: Sequence[str], *, tested: bool, timed: bool
) -> Table:
    """Return a row a variant: quality, difference to the reference, cost; over blocks no cost.

    Args:
        comparison: the block's.
        variants: those to show.
        tested: whether p may be shown.
        timed: whether all ran on one kind of hardware, so that times compare.
    """
    unit = comparison.unit
    quality = ("mean", "sd", "n") + (("last epoch",) if _has_last(comparison) else ())
    tests = ("Holm p", "sign-flip p") if tested else ()
    difference = ("difference", "95 % interval", *tests, "seeds won")
    if comparison.reference is None:
        difference = ()
    is_one = len(comparison.blocks) == 1
    cost = ("parameters", "FLOPs", "images/s", "s/epoch", "memory") if is_one else ()
    against = comparison.against_reference
    rows = []
    for variant in variants:
        group = comparison.groups[variant]
        texts = [unit.value(group.mean), number(group.sd * unit.scale, unit.decimals), str(group.n)]
        texts += [_last(group, unit)] * (len(quality) - 3)
        if difference:
            texts += _difference(against.get(variant), unit, tested=tested)
        texts += _cost(group, timed=timed) if cost else []
        rows.append(((variant, *texts), mark(comparison, variant)))
    spans = [("", 1), (comparison.metric, len(quality)), *([("cost", len(cost))] if cost else [])]
    if difference:
        spans.insert(2, (f"against {comparison.reference}", len(difference)))
    return Table(tuple(spans), ("variant", *quality, *difference, *cost), tuple(rows))


def mark(comparison: Comparison, variant: str) -> str:
    """Return what sets the variant apart: the baseline, or the leader and how it was chosen."""
    marks = ["baseline"] if variant == comparison.baseline else []
    if comparison.kind == "best" and variant == comparison.reference:
        extreme = "highest" if comparison.direction > 0 else "lowest"
        marks.append(f"chosen as the {extreme} of {len(comparison.groups)}")
    return ", ".join(marks)


def _has_last(comparison: Comparison) -> bool:
    shown = comparison.metric == "test/accuracy" and len(comparison.blocks) == 1
    return shown and any(
        not math.isnan(_mean(group, "test_accuracy_last")) for group in comparison.groups.values()
    )


def _last(group: Group, unit: Unit) -> str:
    n = len(_values(group, "test_accuracy_last"))
    mean = unit.value(_mean(group, "test_accuracy_last"))
    return mean if n == group.n else f"{mean} (n = {n})"


def _difference(contrast: Contrast | None, unit: Unit, *, tested: bool) -> list[str]:
    if contrast is None or not contrast.n:
        return [NONE] * (5 if tested else 3)
    interval = unit.interval(contrast.interval)
    if contrast.n == 2:
        interval = ", ".join(unit.bare(d, signed=True) for d in contrast.differences)
    tests = [p_value(contrast.p_holm), p_value(contrast.p_flip)] if contrast.n > 2 else [NONE] * 2
    won = f"{number(contrast.won, int(contrast.won % 1 > 0))} of {contrast.n}"
    if contrast.is_unreliable:
        interval += " *"
    return [unit.bare(contrast.mean, signed=True), interval, *(tests if tested else ()), won]


def _cost(group: Group, *, timed: bool) -> list[str]:
    memory = middle(group, "peak_bytes") / 1e6
    times = [
        quantity(middle(group, "images_per_second")),
        quantity(middle(group, "epoch_seconds")),
        f"{memory:.0f} MB" if math.isfinite(memory) else NONE,
    ]
    counts = [quantity(middle(group, name)) for name in ("parameters", "flops")]
    return counts + (times if timed else [NONE] * 3)


def _values(group: Group, name: str) -> list[float]:
    values = [row.figures[name] for row in group.rows]
    return [value for value in values if math.isfinite(value)]


def _mean(group: Group, name: str) -> float:
    values = _values(group, name)
    return sum(values) / len(values) if values else math.nan


DETAILS: dict[str, Callable[[Contrast, Unit], str]] = {
    "by seed": lambda c, unit: ", ".join(unit.bare(d, signed=True) for d in c.differences) or NONE,
    "mean": lambda c, unit: unit.bare(c.mean, signed=True),
    "interval at its Holm step": lambda c, unit: unit.interval(c.step_interval),
    "Holm p": lambda c, _: p_value(c.p_holm) if c.n > 2 else NONE,
    "in sd (Hedges)": lambda c, _: number(statistics.hedges(c.differences), 2),
    "found 4 times in 5": lambda c, unit: unit.bare(c.detectable),
    "converged alone": lambda c, unit: (
        f"{unit.bare(float(c.converged.mean()), signed=True)} (n = {c.converged.size})"
        if c.converged.size
        else NONE
    ),
}
UNTESTED = ("interval at its Holm step", "Holm p", "found 4 times in 5")


def contrasts_table(
    comparison: Comparison, contrasts: Sequence[Contrast], *, tested: bool
) -> Table:
    """Return a row a contrast, given those of the family that are shown."""
    steady = all(c.converged.size == c.n for c in contrasts)
    hidden = (() if tested else UNTESTED) + (("converged alone",) if steady else ())
    columns = {name: tell for name, tell in DETAILS.items() if name not in hidden}
    rows = tuple(
        (
            (
                f"{contrast.variant} {MINUS} {contrast.reference}",
                *(tell(contrast, comparison.unit) for tell in columns.values()),
            ),
            "",
        )
        for contrast in contrasts
    )
    return Table((), ("contrast", *columns), rows)

"""The tables of a report, as text, and that of the variants with their cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Group
from ablab.report.analysis.cost import COSTS, middle
from ablab.report.card import CardTable
from ablab.report.formatting import NONE, Unit, number, quantity
from ablab.report.kinds import kind_of
from ablab.report.page import against

MOST_SHOWN = 50  # variants that a notebook shows


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

    def told(self) -> "Table":
        """Return it without the columns that have nothing to tell: all dashes."""
        kept = [
            place
            for place in range(len(self.columns))
            if place == 0 or not self.rows or any(texts[place] != NONE for texts, _ in self.rows)
        ]
        ends = [*self.starts, len(self.columns)] if self.spans else []
        widths = [
            sum(end - width <= place < end for place in kept)
            for (_, width), end in zip(self.spans, ends, strict=True)
        ]
        spans = zip((title for title, _ in self.spans), widths, strict=True)
        return Table(
            tuple((title, width) for title, width in spans if width),
            tuple(self.columns[place] for place in kept),
            tuple((tuple(texts[place] for place in kept), mark) for texts, mark in self.rows),
        )


def variants_table(
    comparison: Comparison, variants: Sequence[str], *, tested: bool, timed: bool
) -> Table:
    """Return a row a variant: quality, difference to the reference, cost; over blocks no cost.

    Columns of which no variant has anything are left out.

    Args:
        comparison: the block's.
        variants: those to show.
        tested: whether p may be shown.
        timed: whether all ran on one kind of hardware, so that times compare.
    """
    unit = comparison.unit
    quality = ("mean", "sd", "n") + (("last epoch",) if _has_last(comparison) else ())
    difference = against.columns(comparison, tested=tested)
    is_known = len(comparison.blocks) == 1 and _has_cost(comparison)
    cost = ("parameters", "FLOPs", "images/s", "s/epoch", "memory") if is_known else ()
    contrasts = comparison.against_reference
    rows = []
    for variant in variants:
        group = comparison.groups[variant]
        texts = [unit.value(group.mean), number(group.sd * unit.scale, unit.decimals), str(group.n)]
        texts += [_last(group, unit)] * (len(quality) - 3)
        contrast = contrasts.get(variant)
        texts += [tell(contrast, unit) if contrast else NONE for tell in difference.values()]
        texts += _cost(group, timed=timed) if cost else []
        rows.append(((variant, *texts), mark(comparison, variant)))
    spans = [("", 1), (comparison.metric, len(quality)), *([("cost", len(cost))] if cost else [])]
    if difference:
        spans.insert(2, (f"against {comparison.reference}", len(difference)))
    columns = ("variant", *quality, *difference, *cost)
    return Table(tuple(spans), columns, tuple(rows)).told()


def variants_cards(analysis: Analysis) -> list[CardTable]:
    """Return the variants for a notebook: over all blocks where there are several."""
    found = [analysis.across] if analysis.across else analysis.blocks
    cards = []
    for comparison in found:
        variants, tested = list(comparison.groups), analysis.verdict.is_given
        table = variants_table(comparison, variants[:MOST_SHOWN], tested=tested, timed=False)
        cards.append(CardTable(table.columns, table.rows))
    return cards


def mark(comparison: Comparison, variant: str) -> str:
    """Return what sets the variant apart: the baseline, or the leader and how it was chosen."""
    marks = ["baseline"] if variant == comparison.baseline else []
    return ", ".join(filter(None, [*marks, kind_of(comparison.kind).mark(comparison, variant)]))


def _has_last(comparison: Comparison) -> bool:
    shown = comparison.metric == "test/accuracy" and len(comparison.blocks) == 1
    return shown and any(
        not math.isnan(_mean(group, "test_accuracy_last")) for group in comparison.groups.values()
    )


def _has_cost(comparison: Comparison) -> bool:
    """Tell whether anything is known of what any trial cost: of others' runs nothing is."""
    groups = comparison.groups.values()
    return any(math.isfinite(middle(group, cost)) for group in groups for cost in COSTS)


def _last(group: Group, unit: Unit) -> str:
    n = len(_values(group, "test_accuracy_last"))
    mean = unit.value(_mean(group, "test_accuracy_last"))
    return mean if n == group.n else f"{mean} (n = {n})"


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

"""The table of variants with differences and cost: on the page, and on a card."""

import math
from collections.abc import Sequence

from ablab.formatting import NONE, Unit, format_quantity
from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.cost import COSTS, median_metric
from ablab.report.analysis.grid import Group
from ablab.report.card import CardTable
from ablab.report.kinds import kind_of
from ablab.report.page.contrast_columns import (
    Formatter,
    difference,
    differences,
    interval,
    seeds_won,
)
from ablab.report.page.table import Table

MOST_SHOWN = 50  # variants in a notebook


def variants_table(
    comparison: Comparison, variants: Sequence[str], *, tested: bool, timed: bool
) -> Table:
    """Return a table with one row per variant: quality, difference to the reference, cost.

    Cost is left out over several blocks, and so are empty columns.

    Args:
        comparison: of one block, or over several.
        variants: those to show.
        tested: whether a verdict was given, so that p may be shown.
        timed: whether all trials ran under the same conditions, so that times compare.
    """
    unit = comparison.unit
    quality = ("mean", "sd", "n") + (("last epoch",) if _has_last(comparison) else ())
    columns = _difference_columns(comparison, tested=tested)
    has_cost = len(comparison.blocks) == 1 and _has_cost(comparison)
    cost = ("parameters", "FLOPs", "images/s", "s/epoch", "memory") if has_cost else ()
    contrasts = comparison.against_reference
    rows = []
    for variant in variants:
        group = comparison.groups[variant]
        cells = [unit.value(group.mean), unit.bare(group.sd), str(group.n)]
        cells += [_last(group, unit)] * (len(quality) - 3)
        contrast = contrasts.get(variant)
        cells += [form(contrast, unit) if contrast else NONE for form in columns.values()]
        cells += _cost(group, timed=timed) if cost else []
        rows.append(((variant, *cells), mark(comparison, variant)))
    spans = [("", 1), (comparison.metric, len(quality)), *([("cost", len(cost))] if cost else [])]
    if columns:
        spans.insert(2, (f"versus {comparison.reference}", len(columns)))
    titles = ("variant", *quality, *columns, *cost)
    return Table(tuple(spans), titles, tuple(rows)).without_empty_columns()


def _difference_columns(comparison: Comparison, *, tested: bool) -> dict[str, Formatter]:
    """Return the columns that compare a variant with the reference; none without a reference."""
    if comparison.reference is None:
        return {}
    most = max((c.n for c in comparison.against_reference.values()), default=0)
    spread: dict[str, Formatter] = {"95 % interval": interval}
    if most < 3:
        spread = {"both differences": differences} if most == 2 else {}
    columns: dict[str, Formatter] = {"difference": difference, **spread}
    kind = kind_of(comparison.kind)
    if tested and kind.tests_variants:
        columns |= kind.columns
    return columns | {"seeds won": seeds_won}


def variants_cards(analysis: Analysis) -> list[CardTable]:
    """Return the tables of variants for a notebook; several blocks have one, over all of them."""
    comparisons = [analysis.across] if analysis.across else analysis.blocks
    cards = []
    for comparison in comparisons:
        variants, tested = list(comparison.groups), analysis.has_verdict
        table = variants_table(comparison, variants[:MOST_SHOWN], tested=tested, timed=False)
        cards.append(CardTable(table.columns, table.rows))
    return cards


def mark(comparison: Comparison, variant: str) -> str:
    """Return the remark beside a variant's name: baseline, or leader and how it was chosen."""
    marks = ["baseline"] if variant == comparison.baseline else []
    return ", ".join(filter(None, [*marks, kind_of(comparison.kind).mark(comparison, variant)]))


def _has_last(comparison: Comparison) -> bool:
    shown = comparison.metric == "test/accuracy" and len(comparison.blocks) == 1
    return shown and any(
        _values(group, "test_accuracy_last") for group in comparison.groups.values()
    )


def _has_cost(comparison: Comparison) -> bool:
    """Return whether any cost is known; for MLflow runs that ablab did not launch none is."""
    groups = comparison.groups.values()
    return any(math.isfinite(median_metric(group, cost)) for group in groups for cost in COSTS)


def _last(group: Group, unit: Unit) -> str:
    values = _values(group, "test_accuracy_last")
    mean = unit.value(sum(values) / len(values) if values else math.nan)
    return mean if len(values) == group.n else f"{mean} (n = {len(values)})"


def _cost(group: Group, *, timed: bool) -> list[str]:
    memory = median_metric(group, "peak_bytes") / 1e6
    times = [
        format_quantity(median_metric(group, "images_per_second")),
        format_quantity(median_metric(group, "epoch_seconds")),
        f"{memory:.0f} MB" if math.isfinite(memory) else NONE,
    ]
    counts = [format_quantity(median_metric(group, name)) for name in ("parameters", "flops")]
    return counts + (times if timed else [NONE] * 3)


def _values(group: Group, name: str) -> list[float]:
    values = [row.metrics[name] for row in group.rows]
    return [value for value in values if math.isfinite(value)]

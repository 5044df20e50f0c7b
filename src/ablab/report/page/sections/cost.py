"""Cost against quality, with the Pareto front."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.cost import COSTS, MEASURED, amount, differing, points
from ablab.report.formatting import series
from ablab.report.page.context import Context
from ablab.report.page.figures.cost import cost_figure
from ablab.report.page.sections.chapter import Chapter, Item, Note, Points, pictures

NAME, TITLE = "cost", "Cost and quality"
MOST_NAMED = 12
FRONT = (
    "Filled marks, joined by the dotted line, are on the Pareto front: no other variant is as "
    "good in both and better in one. Hollow ones are not. The front goes by means over seeds, "
    "costs by the middle trial; vertical bars are 95 % intervals of the mean, so that neighbours "
    "on the front may not differ."
)


def chapter(context: Context) -> Chapter:
    """Return it, a part a block."""
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _items(context: Context, comparison: Comparison, number: int) -> list[Item]:
    if not any(points(comparison, cost) for cost in COSTS):
        return []
    costs = differing(comparison, timed=context.timed)
    if not costs:
        return _alike(context, comparison)
    named = context.lines.variants
    figures = [cost_figure(comparison, c, named, f"{NAME}-{number}-{c}") for c in costs]
    better = "Up" if comparison.direction > 0 else "Down"
    caption = f"{better} is better, left is cheaper. {FRONT}"
    others = len(comparison.groups) - len(named)
    if others > 0:
        caption += f" Small dots are the {others} variants that have no look of their own."
    if context.load and any(cost in MEASURED for cost in costs):
        caption += f" {context.load}"
    fronts = Points(tuple(_front(comparison, cost) for cost in costs))
    return [*pictures(figures, caption), fronts]


def _front(comparison: Comparison, cost: str) -> str:
    found = sorted((p for p in points(comparison, cost) if p.is_front), key=lambda p: p.cost)
    told = [
        f"{p.variant} ({amount(cost, p.cost)}, {comparison.unit.value(p.mean)})"
        for p in found[:MOST_NAMED]
    ]
    more = [f"{len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    return f"On the Pareto front by {COSTS[cost]}: {series(told + more)}."


def _alike(context: Context, comparison: Comparison) -> list[Item]:
    """Return what every variant costs, of what compares."""
    known = {c: points(comparison, c) for c in COSTS if context.timed or c not in MEASURED}
    told = [amount(cost, found[0].cost) for cost, found in known.items() if found]
    if not told:
        return []
    text = f"Every variant costs the same to a twentieth: {series(told)}."
    if not context.timed:
        text += f" Trials ran {context.why_untimed}, so seconds and memory are not compared."
    elif context.load and known["epoch_seconds"]:
        text += f" {context.load}"
    return [Note(text)]

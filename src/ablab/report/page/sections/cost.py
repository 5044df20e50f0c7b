"""Quality against cost, with the Pareto front."""

from ablab.formatting import join_all
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.cost import COSTS, MEASURED, differing, format_cost, points
from ablab.report.page.context import Context
from ablab.report.page.figures.cost import cost_figure
from ablab.report.page.sections.section import BulletList, Item, Note, Section, pictures

NAME, TITLE = "cost", "Cost and quality"
MOST_NAMED = 12
FRONT = (
    "Filled marks, joined by the dotted line, are on the Pareto front: no other variant is at "
    "least as good in both and better in one. The front uses means over seeds, and the median "
    "cost of a variant's trials; vertical bars are 95 % intervals of the mean. Neighbors on the "
    "front may therefore not differ in quality."
)


def section(context: Context) -> Section:
    """Return the section on cost and quality, one part per block."""
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _items(context: Context, comparison: Comparison, number: int) -> list[Item]:
    if not any(points(comparison, cost) for cost in COSTS):
        return []
    costs = differing(comparison, timed=context.timed)
    if not costs:
        return _same_cost(context, comparison)
    named = context.lines.variants
    figures = [cost_figure(comparison, c, named, f"{NAME}-{number}-{c}") for c in costs]
    better = "Up" if comparison.direction > 0 else "Down"
    caption = f"{better} is better, left is cheaper. {FRONT}"
    others = len(comparison.groups) - len(named)
    if others > 0:
        caption += f" Small dots are the other {others} variants."
    if context.load and any(cost in MEASURED for cost in costs):
        caption += f" {context.load}"
    fronts = BulletList(tuple(_front(comparison, cost) for cost in costs))
    return [*pictures(figures, caption), fronts]


def _front(comparison: Comparison, cost: str) -> str:
    front = sorted((p for p in points(comparison, cost) if p.is_front), key=lambda p: p.cost)
    texts = [
        f"{p.variant} ({format_cost(cost, p.cost)}, {comparison.unit.value(p.mean)})"
        for p in front[:MOST_NAMED]
    ]
    more = [f"{len(front) - MOST_NAMED} more"] if len(front) > MOST_NAMED else []
    return f"Pareto front by {COSTS[cost]}: {join_all(texts + more)}."


def _same_cost(context: Context, comparison: Comparison) -> list[Item]:
    """Return a note on the costs, which all variants share."""
    known = {c: points(comparison, c) for c in COSTS if context.timed or c not in MEASURED}
    amounts = [format_cost(cost, own[0].cost) for cost, own in known.items() if own]
    if not amounts:
        return []
    text = f"All variants cost the same within 5 %: {join_all(amounts)}."
    if not context.timed:
        text += f" Trials ran {context.why_untimed}, so seconds and memory are not compared."
    elif context.load and known["epoch_seconds"]:
        text += f" {context.load}"
    return [Note(text)]

"""Learning curves by epoch and by seconds of training."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.page.context import Context
from ablab.report.page.figures.curves import Curve, curve_of, curves_figure
from ablab.report.page.sections.section import Item, Section, pictures

NAME, TITLE = "curves", "Learning curves"


def section(context: Context) -> Section:
    """Return the section on learning curves, one part per block."""
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _items(context: Context, comparison: Comparison, number: int) -> list[Item]:
    groups = {v: comparison.groups[v] for v in context.lines.variants if v in comparison.groups}
    curve = curve_of(context.analysis.plan.spec, comparison.unit)
    figures = [curves_figure(groups, f"{NAME}-{number}", curve)]
    if context.timed:
        figures.append(curves_figure(groups, f"{NAME}-{number}-seconds", curve, "seconds"))
    by_seconds = context.timed and bool(figures[1])
    sentences = [
        _description(context, curve, by_seconds=by_seconds),
        "Lines are means over seeds; bands are 95 % t intervals, or the range of two seeds. The "
        "vertical axis omits the steep start if it would hide the rest.",
    ]
    if context.has_diverged:
        sentences.append("The curve of a diverged trial ends where it diverged.")
    if not context.timed:
        sentences.append(f"Trials ran {context.why_untimed}, so there are no curves by seconds.")
    if by_seconds:
        sentences.append(context.load)
    return pictures(figures, " ".join(filter(None, [*sentences, context.lines.note])))


def _description(context: Context, curve: Curve, *, by_seconds: bool) -> str:
    if context.foreign:
        return f"{curve.name} as logged, value by value."
    by = ", by epoch and by seconds of training" if by_seconds else ""
    return f"{curve.name.capitalize()} after each epoch{by}."

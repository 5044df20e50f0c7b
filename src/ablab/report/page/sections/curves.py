"""Learning curves, against epochs and against seconds."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.page.context import Context
from ablab.report.page.figures.curves import Course, course, curves_figure
from ablab.report.page.sections.chapter import Chapter, Item, pictures

NAME, TITLE = "curves", "Learning curves"


def chapter(context: Context) -> Chapter:
    """Return it, a part a block."""
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _items(context: Context, comparison: Comparison, number: int) -> list[Item]:
    groups = {v: comparison.groups[v] for v in context.lines.variants if v in comparison.groups}
    drawn = course(context.analysis.plan.spec, comparison.unit)
    figures = [curves_figure(groups, f"{NAME}-{number}", drawn)]
    if context.timed:
        figures.append(curves_figure(groups, f"{NAME}-{number}-seconds", drawn, "seconds"))
    by_seconds = context.timed and bool(figures[1])
    told = [
        _what(context, drawn, by_seconds=by_seconds),
        "Lines are means over seeds; bands are 95 % t intervals from three seeds on, and the "
        "range of two. The vertical axis leaves out the first, steepest part where that hides "
        "the rest.",
    ]
    if context.has_diverged:
        told.append("A trial that diverged ends where it did.")
    if not context.timed:
        told.append(f"Trials ran {context.why_untimed}, so there is no picture by seconds.")
    if by_seconds:
        told.append(context.load)
    return pictures(figures, " ".join(filter(None, [*told, context.lines.note])))


def _what(context: Context, drawn: Course, *, by_seconds: bool) -> str:
    if context.foreign:
        return f"{drawn.what} as it was logged, value by value."
    by = ", by epoch and by seconds of training" if by_seconds else ""
    return f"{drawn.what.capitalize()} after each epoch{by}."

"""Learning curves, against epochs and against seconds."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.page.context import Facts
from ablab.report.page.figures.curves import Course, course, curves_figure
from ablab.report.page.sections.chapter import Chapter, Item, pictures

NAME, TITLE = "curves", "Learning curves"


def chapter(facts: Facts) -> Chapter:
    """Return it, a part a block."""
    return facts.by_block(NAME, TITLE, lambda block, number: _items(facts, block, number))


def _items(facts: Facts, comparison: Comparison, number: int) -> list[Item]:
    groups = {v: comparison.groups[v] for v in facts.lines.variants if v in comparison.groups}
    drawn = course(facts.analysis.plan.spec, comparison.unit)
    figures = [curves_figure(groups, f"{NAME}-{number}", drawn)]
    if facts.timed:
        figures.append(curves_figure(groups, f"{NAME}-{number}-seconds", drawn, "seconds"))
    by_seconds = facts.timed and bool(figures[1])
    told = [
        _what(facts, drawn, by_seconds=by_seconds),
        "Lines are means over seeds; bands are 95 % t intervals from three seeds on, and the "
        "range of two. The vertical axis leaves out the first, steepest part where that hides "
        "the rest.",
    ]
    if facts.has_diverged:
        told.append("A trial that diverged ends where it did.")
    if not facts.timed:
        told.append(f"Trials ran {facts.why_untimed}, so there is no picture by seconds.")
    if by_seconds:
        told.append(facts.load)
    return pictures(figures, " ".join(filter(None, [*told, facts.lines.note])))


def _what(facts: Facts, drawn: Course, *, by_seconds: bool) -> str:
    if facts.foreign:
        return f"{drawn.what} as it was logged, value by value."
    by = ", by epoch and by seconds of training" if by_seconds else ""
    return f"{drawn.what.capitalize()} after each epoch{by}."

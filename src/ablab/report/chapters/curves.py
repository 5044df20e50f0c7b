"""Learning curves, against epochs and against seconds."""

from ablab.report.chapters.chapter import Chapter, Item, pictures
from ablab.report.comparison import Comparison
from ablab.report.facts import Facts
from ablab.report.figures.curves import curves_figure

NAME, TITLE = "curves", "Learning curves"


def chapter(facts: Facts) -> Chapter:
    """Return it, a part a block."""
    return facts.by_block(NAME, TITLE, lambda block, number: _items(facts, block, number))


def _items(facts: Facts, comparison: Comparison, number: int) -> list[Item]:
    unit = comparison.unit
    groups = {v: comparison.groups[v] for v in facts.lines.variants if v in comparison.groups}
    figures = [curves_figure(groups, f"{NAME}-{number}", unit)]
    if facts.timed:
        figures.append(curves_figure(groups, f"{NAME}-{number}-seconds", unit, "seconds"))
    told = [
        f"Validation {'accuracy' if unit.points else 'loss'} after each epoch"
        + (", by epoch and by seconds of training." if facts.timed and figures[1] else "."),
        "Lines are means over seeds; bands are 95 % t intervals from three seeds on, and the "
        "range of two. A trial that diverged ends where it did. The vertical axis leaves out the "
        "first, steepest part where that hides the rest.",
    ]
    if not facts.timed:
        told.append("Trials ran on different hardware, so there is no picture by seconds.")
    return pictures(figures, " ".join([*told, facts.lines.note]).strip())

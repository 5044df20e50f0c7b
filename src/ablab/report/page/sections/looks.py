"""The looks of a sweep, one after the other: what each trained, decided and gave up."""

from collections.abc import Iterable

from ablab.formatting import NONE, join_words
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.looks import Progress
from ablab.report.kinds import kind_of
from ablab.report.page.context import Context
from ablab.report.page.sections.section import Item, Note, Section, TableItem, undivided
from ablab.report.page.table import Table

_NOTE = (
    "Each look tests all seeds so far. Variants train on as long as a contrast of theirs can still "
    "be decided."
)


def section(context: Context) -> Section:
    """Return the section on looks; without parts if the number of seeds is fixed."""
    progress = context.analysis.progress
    items: list[Item] = []
    if progress is not None:
        items = [
            TableItem(_table(context, progress), "looks"),
            Note(_NOTE),
        ]
    return undivided("looks", "Looks at growing numbers of seeds", items)


def _table(context: Context, progress: Progress) -> Table:
    interim = progress.interim
    kind = kind_of(context.main.kind)
    rows, trained = [], 0
    for number in range(1, interim.number + 1):
        size = interim.looks.sizes[number - 1]
        trials = sum(trained <= row.seed < size for row in context.analysis.rows)
        own = [c for c in progress.comparison.tested if c.look.number == number]
        decided = [c for c in own if kind.is_decided(c)] if context.tested else []
        stopped = [c for c in own if context.tested and not kind.is_decided(c)]
        rows.append(((str(number), str(size), str(trials), _names(decided), _names(stopped)), ""))
        trained = size
    return Table((), ("look", "n", "trials", "decided", "ended undecided"), tuple(rows))


def _names(contrasts: Iterable[Contrast]) -> str:
    """Return contrasts by their names."""
    return join_words([f"{c.variant} vs. {c.reference}" for c in contrasts]) or NONE

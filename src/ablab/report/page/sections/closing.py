"""The last sections of a page: incomplete trials, reliability."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.page.context import Context
from ablab.report.page.sections.section import BulletList, Item, Note, Section, undivided
from ablab.report.text import limitations

MOST_LISTED = 200


def incomplete_trials(context: Context) -> Section:
    """Return the section on failed, diverged and excluded trials; without parts for a search."""
    if context.analysis.plan.is_tuning:
        return undivided("incomplete", "Incomplete trials", ())
    lines = limitations.incomplete_trials(context.analysis.plan, context.analysis.rows)
    items: list[Item] = [BulletList(tuple(lines[:MOST_LISTED]))]
    if not lines:
        note = "None: every trial of the plan finished, and none was excluded."
        if context.foreign:
            note = "None: every run that counts finished with a value of the metric."
        items = [Note(note)]
    if len(lines) > MOST_LISTED:
        items.append(Note(f"And {len(lines) - MOST_LISTED} more, which trials.csv lists."))
    return undivided("incomplete", "Incomplete trials", items)


def reliability(context: Context) -> Section:
    """Return the section on intervals, tests and detectable differences; none for a search."""
    if context.analysis.plan.is_tuning:
        return undivided("reliability", "Reliability", ())
    tuned = bool(context.analysis.plan.spec.tune)
    factors = context.analysis.factors
    effects = factors.effects if factors else ()

    def items(comparison: Comparison, _: int) -> list[Item]:
        lines = limitations.reliability(
            comparison, effects, tested=context.tested, tuned=tuned, foreign=context.foreign
        )
        return [BulletList(tuple(lines))]

    name, title = "reliability", "Reliability"
    if context.analysis.across:
        return undivided(name, title, items(context.analysis.across, 0))
    return context.by_block(name, title, items)

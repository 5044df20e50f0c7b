"""The page's account of itself: tuning, failures, and how sure it is."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.page.context import Context
from ablab.report.page.sections.chapter import Chapter, Item, Note, Points, whole
from ablab.report.text import limitations

MOST_LOSSES = 200


def tuning(context: Context) -> Chapter:
    """Return what was tuned; without parts where nothing was."""
    tune = context.analysis.plan.spec.tune
    told = f"Variants were tuned before the comparison, as the sweep says: {tune}."
    return whole("tuning", "Tuning", (Note(told),) if tune else ())


def failures(context: Context) -> Chapter:
    """Return every trial that is not simply finished, and every cell that was left out."""
    incomplete_trials = limitations.incomplete_trials(context.analysis.plan, context.analysis.rows)
    items: list[Item] = [Points(tuple(incomplete_trials[:MOST_LOSSES]))]
    if not incomplete_trials:
        told = "None: every trial of the plan finished, and nothing was left out."
        if context.foreign:
            told = "None: every run that counts has finished with a figure."
        items = [Note(told)]
    if len(incomplete_trials) > MOST_LOSSES:
        items.append(
            Note(f"And {len(incomplete_trials) - MOST_LOSSES} more, which trials.csv lists.")
        )
    return whole("failures", "Failures, divergences, exclusions", items)


def reliability(context: Context) -> Chapter:
    """Return what the figures cover, what they could have shown, and what they cannot."""
    tuned = bool(context.analysis.plan.spec.tune)
    factors = context.analysis.factors
    effects = factors.effects if factors else ()

    def items(comparison: Comparison, _: int) -> list[Item]:
        told = limitations.reliability(
            comparison, effects, tested=context.tested, tuned=tuned, foreign=context.foreign
        )
        return [Points(tuple(told))]

    if context.analysis.across:
        return whole("certainty", "How sure this is", items(context.analysis.across, 0))
    return context.by_block("certainty", "How sure this is", items)

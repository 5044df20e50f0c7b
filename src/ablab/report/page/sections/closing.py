"""The page's account of itself: tuning, failures, and how sure it is."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.page.context import Facts
from ablab.report.page.sections.chapter import Chapter, Item, Note, Points, whole
from ablab.report.text import limitations

MOST_LOSSES = 200


def tuning(facts: Facts) -> Chapter:
    """Return what was tuned; without parts where nothing was."""
    tune = facts.analysis.plan.spec.tune
    told = f"Variants were tuned before the comparison, as the sweep says: {tune}."
    return whole("tuning", "Tuning", (Note(told),) if tune else ())


def failures(facts: Facts) -> Chapter:
    """Return every trial that is not simply finished, and every cell that was left out."""
    losses = limitations.losses(facts.analysis.plan, facts.analysis.rows)
    items: list[Item] = [Points(tuple(losses[:MOST_LOSSES]))]
    if not losses:
        told = "None: every trial of the plan finished, and nothing was left out."
        if facts.foreign:
            told = "None: every run that counts has finished with a figure."
        items = [Note(told)]
    if len(losses) > MOST_LOSSES:
        items.append(Note(f"And {len(losses) - MOST_LOSSES} more, which trials.csv lists."))
    return whole("failures", "Failures, divergences, exclusions", items)


def certainty(facts: Facts) -> Chapter:
    """Return what the figures cover, what they could have shown, and what they cannot."""
    tuned = bool(facts.analysis.plan.spec.tune)
    factors = facts.analysis.factors
    effects = factors.effects if factors else ()

    def items(comparison: Comparison, _: int) -> list[Item]:
        told = limitations.certainty(
            comparison, effects, tested=facts.tested, tuned=tuned, foreign=facts.foreign
        )
        return [Points(tuple(told))]

    if facts.analysis.across:
        return whole("certainty", "How sure this is", items(facts.analysis.across, 0))
    return facts.by_block("certainty", "How sure this is", items)

"""Paired differences with their intervals, or effects of two factors."""

from ablab.report.analysis.comparison import Comparison, Factors
from ablab.report.page.context import MOST_ROWS, Context, choose
from ablab.report.page.figures.differences import MOST_DOTS, describe_intervals, differences_figure
from ablab.report.page.sections.section import Item, Section, pictures, undivided

NAME, TITLE = "differences", "Differences, seed by seed"


def section(context: Context) -> Section:
    """Return the section on differences; over several blocks, of their averages."""
    if context.analysis.factors:
        return undivided(NAME, "Effects, seed by seed", _effects(context, context.analysis.factors))
    if context.analysis.across:
        return undivided(NAME, TITLE, _items(context, context.analysis.across, 0))
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _effects(context: Context, factors: Factors) -> list[Item]:
    effects = {effect.variant: effect for effect in factors.effects[:MOST_ROWS]}
    svg = differences_figure(context.main, effects, NAME, tested=context.tested, what="effect")
    mark = " A triangle is a detected effect, a diamond is undecided." if context.tested else ""
    caption = (
        f"Each row is an effect on {context.main.metric}: a main effect is the difference of a "
        "level from the baseline's, averaged over the other factor; an interaction is the change "
        "of such a difference with the other factor. Open dots are the seeds, the solid mark is "
        f"their mean, {describe_intervals(effects.values(), tested=context.tested)}."
    )
    return pictures([svg], caption + mark)


def _items(context: Context, comparison: Comparison, number: int) -> list[Item]:
    chosen = choose(comparison, MOST_ROWS + 1)
    contrasts = {v: c for v, c in comparison.against_reference.items() if v in chosen.variants}
    svg = differences_figure(comparison, contrasts, f"{NAME}-{number}", tested=context.tested)
    return pictures([svg], f"{_caption(context, comparison)} {chosen.note}".strip())


def _caption(context: Context, comparison: Comparison) -> str:
    across = ", averaged over the blocks within each seed" if context.analysis.across else ""
    texts = [f"Each row is a variant minus {comparison.reference}, in {comparison.metric}{across}."]
    dots = any(0 < c.n <= MOST_DOTS for c in comparison.family)
    texts.append("Open dots are the seeds, the" if dots else "The")
    shown = comparison.against_reference.values()
    texts.append(f"solid mark is their mean, {describe_intervals(shown, tested=context.tested)}.")
    if any(c.equivalence for c in comparison.family):
        texts.append("The band between dashed lines is the margin.")
        if context.tested:
            texts.append("A square is equivalent, a cross different, a diamond undecided.")
        return " ".join(texts)
    if context.tested:
        texts.append("A triangle up is better, a triangle down worse, a diamond undecided.")
    if context.tested and any(any(c.uncounted) for c in shown):
        texts.append(
            "A difference is undecided, whatever its interval, if trials of the better side "
            "diverged without a value."
        )
    texts.append(f"{'Left' if comparison.direction < 0 else 'Right'} of the line is better.")
    return " ".join(texts)

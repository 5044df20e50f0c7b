"""The picture of the answer: paired differences with their intervals."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.factors import Factors
from ablab.report.page.context import MOST_ROWS, Context, choose
from ablab.report.page.figures.differences import MOST_DOTS, bars, differences_figure
from ablab.report.page.sections.chapter import Chapter, Item, pictures, whole

NAME, TITLE = "differences", "Differences, seed by seed"


def chapter(context: Context) -> Chapter:
    """Return it: across blocks where there are several and they can be averaged."""
    if context.analysis.factors:
        return whole(NAME, "Effects, seed by seed", _effects(context, context.analysis.factors))
    if context.analysis.across:
        return whole(NAME, TITLE, _items(context, context.analysis.across, 0))
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _effects(context: Context, factors: Factors) -> list[Item]:
    effects = {effect.variant: effect for effect in factors.effects[:MOST_ROWS]}
    svg = differences_figure(context.main, effects, NAME, tested=context.tested, what="effect")
    mark = " A triangle was found, a diamond is undecided." if context.tested else ""
    caption = (
        f"Each row is an effect on {context.main.metric}: of a level against the baseline's, "
        "averaged over the other factor, or an interaction, how much such an effect changes with "
        "the other factor. Open dots are the seeds, the solid mark their mean, "
        f"{bars(effects.values(), tested=context.tested)}."
    )
    return pictures([svg], caption + mark)


def _items(context: Context, comparison: Comparison, number: int) -> list[Item]:
    chosen = choose(comparison, MOST_ROWS + 1)
    contrasts = {v: c for v, c in comparison.against_reference.items() if v in chosen.variants}
    svg = differences_figure(comparison, contrasts, f"{NAME}-{number}", tested=context.tested)
    return pictures([svg], f"{_caption(context, comparison)} {chosen.note}".strip())


def _caption(context: Context, comparison: Comparison) -> str:
    across = ", averaged over the blocks within each seed" if context.analysis.across else ""
    told = [f"Each row is a variant minus {comparison.reference}, in {comparison.metric}{across}."]
    dots = any(0 < c.n <= MOST_DOTS for c in comparison.family)
    told.append("Open dots are the seeds; the" if dots else "The")
    shown = comparison.against_reference.values()
    told.append(f"solid mark is their mean, {bars(shown, tested=context.tested)}.")
    if any(c.equivalence for c in comparison.family):
        told.append("The band between dashed lines is what counts as equal.")
        if context.tested:
            told.append("A square is found equivalent, a cross different, a diamond undecided.")
    else:
        if context.tested:
            told.append(
                "A triangle up is found better, a triangle down worse, a diamond undecided."
            )
        if context.tested and any(any(c.uncounted) for c in shown):
            told.append(
                "One whose trials diverged without a figure is not found better or worse, whatever "
                "its interval."
            )
        told.append(f"{'Left' if comparison.direction < 0 else 'Right'} of the line is better.")
    return " ".join(told)

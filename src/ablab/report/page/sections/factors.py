"""Two factors: the interaction plot and the three effects."""

from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.factors import Factors
from ablab.report.formatting import Unit, p_value
from ablab.report.page.context import Context
from ablab.report.page.figures.factors import interaction_figure
from ablab.report.page.sections.chapter import Chapter, Item, Note, Shown, pictures, whole
from ablab.report.page.tables import Table

NAME, TITLE = "factors", "Two factors"


def chapter(context: Context) -> Chapter:
    """Return it; without parts where the question has no two factors."""
    factors = context.analysis.factors
    return whole(NAME, TITLE, _items(context, factors) if factors else ())


def _items(context: Context, factors: Factors) -> list[Item]:
    unit, metric = context.main.unit, context.main.metric
    caption = (
        f"Mean {metric} of each cell, a line a level of {factors.names[1]}; bars are 95 % t "
        "intervals of the cell's mean. Parallel lines are no interaction: what one factor does "
        "does not depend on the other."
    )
    svg = interaction_figure(factors, unit, metric, NAME)
    shown: list[Item] = pictures([svg], caption)
    if factors.effects:
        shown.append(Shown(effects_table(factors, unit, tested=context.tested), "effects"))
        shown.append(Note(_explained(factors)))
    return shown


def _explained(factors: Factors) -> str:
    told = "A main effect is the mean over the other factor's levels, one contrast a seed."
    told += " The interaction is how much one effect changes with the other factor."
    for name, keeps in factors.signs.items():
        verb = "keeps" if keeps else "does not keep"
        told += f" {name} {verb} its sign on log odds"
        told += "." if keeps else ": near the ceiling an additive interaction can be an artefact."
    return told


def effects_table(factors: Factors, unit: Unit, *, tested: bool) -> Table:
    """Return a row an effect."""
    columns = ["effect", "mean", "95 % interval", *(("Holm p",) if tested else ()), "n"]

    def row(effect: Contrast) -> tuple[str, ...]:
        p = (p_value(effect.p_holm),) if tested else ()
        mean, interval = unit.bare(effect.mean, signed=True), unit.interval(effect.interval)
        return (effect.variant, mean, interval, *p, str(effect.n))

    return Table((), tuple(columns), tuple((row(effect), "") for effect in factors.effects)).told()

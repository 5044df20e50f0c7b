"""Two factors: the interaction plot and the table of effects."""

from ablab.formatting import Unit, format_p_value
from ablab.report.analysis.comparison import Factors
from ablab.report.analysis.contrast import Contrast
from ablab.report.page.context import Context
from ablab.report.page.figures.factors import interaction_figure
from ablab.report.page.sections.section import Item, Note, Section, TableItem, pictures, undivided
from ablab.report.page.table import Table

NAME, TITLE = "factors", "Two factors"


def section(context: Context) -> Section:
    """Return the section on two factors; without parts for other kinds of question."""
    factors = context.analysis.factors
    return undivided(NAME, TITLE, _items(context, factors) if factors else ())


def _items(context: Context, factors: Factors) -> list[Item]:
    unit, metric = context.main.unit, context.main.metric
    caption = (
        f"Mean {metric} of each cell, one line per level of {factors.names[1]}; bars are 95 % t "
        "intervals of the mean. Parallel lines mean no interaction: the effect of one factor does "
        "not depend on the other."
    )
    svg = interaction_figure(factors, unit, metric, NAME)
    shown: list[Item] = pictures([svg], caption)
    if factors.effects:
        shown.append(TableItem(effects_table(factors, unit, tested=context.tested), "effects"))
        shown.append(Note(_note(factors)))
    return shown


def _note(factors: Factors) -> str:
    text = "A main effect is the mean over the other factor's levels, one contrast per seed."
    text += " The interaction is how much the effect of one factor changes with the other."
    for name, keeps in factors.signs.items():
        if keeps:
            text += f" {name} keeps its sign on log odds."
        else:
            text += (
                f" {name} does not keep its sign on log odds: near the ceiling of 100 % an "
                "additive interaction can be an artifact."
            )
    return text


def effects_table(factors: Factors, unit: Unit, *, tested: bool) -> Table:
    """Return a table with one row per effect."""
    columns = ["effect", "mean", "95 % interval", *(("Holm p",) if tested else ()), "n"]

    def row(effect: Contrast) -> tuple[str, ...]:
        p = (format_p_value(effect.p_holm),) if tested else ()
        mean, interval = unit.bare(effect.mean, signed=True), unit.interval(effect.interval)
        return (effect.variant, mean, interval, *p, str(effect.n))

    rows = tuple((row(effect), "") for effect in factors.effects)
    return Table((), tuple(columns), rows).without_empty_columns()

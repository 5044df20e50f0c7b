"""Speed of learning: epochs and seconds to the target accuracy of the sweep."""

import math

from ablab.formatting import NONE, format_number
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.speed import Ratio, Speed
from ablab.report.page.context import MOST_ROWS, MOST_TABLED, Context, choose
from ablab.report.page.figures.speed import speed_figure
from ablab.report.page.sections.section import Item, Note, Section, TableItem, pictures
from ablab.report.page.table import Table

NAME, TITLE = "speed", "Speed of learning"


def section(context: Context) -> Section:
    """Return the section on speed, one part per block; without parts without a target."""
    speeds = {speed.block: speed for speed in context.analysis.speed}

    def items(block: Comparison, index: int) -> list[Item]:
        speed = speeds.get(block.block)
        return _items(context, block, speed, index) if speed else []

    return context.by_block(NAME, TITLE, items)


def _items(context: Context, comparison: Comparison, speed: Speed, index: int) -> list[Item]:
    drawn = [v for v in choose(comparison, MOST_ROWS).variants if v in speed.variants]
    tabled = choose(comparison, MOST_TABLED, "shown")
    caption = (
        "Open dots are the seeds. A filled arrow is a censored trial: it had not reached the "
        f"target by the end of the common budget of {format_number(speed.epochs, 0)} epochs "
        "(dashed line), and counts with the budget. The diamond is the restricted mean, hollow if "
        "any trial is censored. Left is faster."
    )
    table = speed_table(speed, tabled.variants)
    return [
        *pictures([speed_figure(speed, drawn, f"{NAME}-{index}")], caption),
        TableItem(table, "speed"),
        Note(f"{_note(context, speed)} {tabled.note}".strip()),
    ]


def _note(context: Context, speed: Speed) -> str:
    target = f"{100 * speed.target:g} %"
    budget = format_number(speed.epochs, 0)
    sentences = [
        f"Target: {target} validation accuracy, stated in the sweep. Times are restricted means: "
        f"a time above {budget} epochs counts as {budget}.",
        "Intervals are descriptive; there is no test. A ratio has the 95 % interval of its "
        "logarithm, and is given only if every trial reached the target.",
    ]
    if not context.timed:
        sentences.append(f"Trials ran {context.why_untimed}, so seconds are not compared.")
    elif math.isnan(speed.seconds):
        sentences.append("Not every trial recorded its seconds, so they are not compared.")
    elif context.load:
        sentences.append(context.load)
    return " ".join(sentences)


def speed_table(speed: Speed, variants: tuple[str, ...]) -> Table:
    """Return a table with one row per variant: trials that reached the target, times, ratios."""
    columns = ("variant", "reached", "epochs", "seconds", "difference (epochs)", "95 % interval")
    rows = []
    for variant in (v for v in variants if v in speed.variants):
        times = speed.variants[variant]
        contrast = speed.contrasts.get(variant)
        seconds = times.mean_seconds if times.epochs.size else math.nan
        epochs = times.mean_epochs if times.epochs.size else math.nan
        texts = (
            variant,
            f"{int(times.reached.sum())} of {times.reached.size}",
            format_number(epochs, 1),
            format_number(seconds, 1),
            _signed(contrast.mean) if contrast else NONE,
            _interval(contrast.interval, 1) if contrast else NONE,
            _ratio(speed.ratios.get(variant)),
            _ratio(speed.ratios_seconds.get(variant)),
        )
        rows.append((texts, "reference" if variant == speed.reference else ""))
    table = Table((), (*columns, "ratio of epochs", "ratio of seconds"), tuple(rows))
    return table.without_empty_columns()


def _signed(x: float) -> str:
    return ("+" if x > 0 else "") + format_number(x, 1)


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return NONE
    interval = f" ({_interval(ratio.interval, 2)})" if ratio.interval else ""
    return f"{format_number(ratio.value, 2)}{interval}"


def _interval(bounds: tuple[float, float] | None, decimals: int) -> str:
    return NONE if bounds is None else " to ".join(format_number(x, decimals) for x in bounds)

"""Speed of learning: epochs and seconds to the accuracy that the sweep states beforehand."""

import math

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.speed import Ratio, Speed
from ablab.report.formatting import NONE, number
from ablab.report.page.context import MOST_ROWS, MOST_TABLED, Context, choose
from ablab.report.page.figures.speed import speed_figure
from ablab.report.page.sections.chapter import Chapter, Item, Note, Shown, pictures
from ablab.report.page.tables import Table

NAME, TITLE = "speed", "Speed of learning"


def chapter(context: Context) -> Chapter:
    """Return it, a part a block; without parts where the sweep states no target."""
    speeds = {speed.block: speed for speed in context.analysis.speed}

    def items(block: Comparison, number_: int) -> list[Item]:
        speed = speeds.get(block.block)
        return _items(context, block, speed, number_) if speed else []

    return context.by_block(NAME, TITLE, items)


def _items(context: Context, comparison: Comparison, speed: Speed, number_: int) -> list[Item]:
    drawn = [v for v in choose(comparison, MOST_ROWS).variants if v in speed.variants]
    tabled = choose(comparison, MOST_TABLED, "Shown")
    caption = (
        "Open dots are the seeds; a filled arrow is a trial that had not got there when the "
        f"common budget of {number(speed.epochs, 0)} epochs (dashed) ended: it is censored and "
        "counts with the budget. The diamond is the restricted mean, hollow where any trial is "
        "censored. Further left is faster."
    )
    table = speed_table(speed, tabled.variants)
    return [
        *pictures([speed_figure(speed, drawn, f"{NAME}-{number_}")], caption),
        Shown(table, "speed"),
        Note(f"{_explained(context, speed)} {tabled.note}".strip()),
    ]


def _explained(context: Context, speed: Speed) -> str:
    target = f"{100 * speed.target:g} %"
    told = [
        f"Target: {target} validation accuracy, stated in the sweep. Times are restricted means: "
        f"what is longer than {number(speed.epochs, 0)} epochs counts as that.",
        "Intervals describe and are not tested. A ratio has the 95 % interval of its logarithm, "
        "and is given only where every trial got there.",
    ]
    if not context.timed:
        told.append(f"Trials ran {context.why_untimed}, so seconds are not compared.")
    elif math.isnan(speed.seconds):
        told.append("Not every trial recorded its seconds, so they are not compared.")
    elif context.load:
        told.append(context.load)
    return " ".join(told)


def speed_table(speed: Speed, variants: tuple[str, ...]) -> Table:
    """Return a row a variant: how many got there, how fast, and against the reference."""
    columns = ("variant", "reached", "epochs", "seconds", "difference, epochs", "95 % interval")
    rows = []
    for variant in (v for v in variants if v in speed.variants):
        times = speed.variants[variant]
        contrast = speed.contrasts.get(variant)
        seconds = times.mean_seconds if times.epochs.size else math.nan
        epochs = times.mean_epochs if times.epochs.size else math.nan
        texts = (
            variant,
            f"{int(times.reached.sum())} of {times.reached.size}",
            number(epochs, 1),
            number(seconds, 1),
            _signed(contrast.mean) if contrast else NONE,
            _interval(contrast.interval, 1) if contrast else NONE,
            _ratio(speed.ratios.get(variant)),
            _ratio(speed.ratios_seconds.get(variant)),
        )
        rows.append((texts, "reference" if variant == speed.reference else ""))
    table = Table((), (*columns, "times as many epochs", "times as many seconds"), tuple(rows))
    return table.told()


def _signed(x: float) -> str:
    return ("+" if x > 0 else "") + number(x, 1)


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return NONE
    interval = f" ({_interval(ratio.interval, 2)})" if ratio.interval else ""
    return f"{number(ratio.value, 2)}{interval}"


def _interval(bounds: tuple[float, float] | None, decimals: int) -> str:
    return NONE if bounds is None else " to ".join(number(x, decimals) for x in bounds)

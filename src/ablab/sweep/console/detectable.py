"""Prints what numbers of seeds could detect and what they cost, before anything is trained."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from ablab.formatting import format_duration, unit_of
from ablab.sweep.console.summary import print_line
from ablab.tracking.kinds import needs
from ablab.tracking.spec import Spec

if TYPE_CHECKING:
    from ablab.stats.power import Detectable

_UNKNOWN = (
    "What numbers of seeds could detect is not known yet: it follows from the spread of the "
    "differences, which three finished seeds show."
)


def print_detectable(
    console: Console,
    spec: Spec,
    found: "Detectable | None",
    seconds: Mapping[int, float] | None,
) -> None:
    """Print what each number of seeds could detect, and the time that it takes from the start.

    Args:
        console: receives the table, or a line where no finished trials show the spread.
        spec: the sweep's question.
        found: what numbers of seeds could detect, or None.
        seconds: by number of seeds; None if it is not known.
    """
    if found is None:
        print_line(console, _UNKNOWN, "dim")
        return
    console.print(_table(spec, found, seconds))
    print_line(console, f"The spread comes from {found.basis} finished seeds or more.", "dim")


def _table(spec: Spec, found: "Detectable", seconds: Mapping[int, float] | None) -> Table:
    unit = unit_of(spec.metric, spec.unit)
    what = "margin" if needs(spec.kind).margin else "difference"
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("seeds", justify="right")
    table.add_column(f"detectable {what} (80 % power)")
    table.add_column("time, if no variant stops" if spec.looks else "time", justify="right")
    for n, span in found.sizes.items():
        time = "unknown" if seconds is None else format_duration(seconds[n])
        table.add_row(str(n), f"about {unit.span(span, 'contrast')}", time)
    return table

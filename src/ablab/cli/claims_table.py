"""The table that `ablab claims` prints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ablab.cli.command import console

if TYPE_CHECKING:
    from ablab.report.claims.answers import Answer


def print_table(found: "Sequence[Answer]") -> None:
    """Print a row for each claim."""
    from rich.table import Table
    from rich.text import Text

    from ablab.report.claims.page import format_cost
    from ablab.text import escape_controls

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("no.", justify="right")
    for name in ("name", "claim", "verdict", "difference"):
        table.add_column(name, overflow="fold")
    for name in ("n", "cost", "date"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        texts = (each.asked.name, each.asked.claim.says, each.outcome, each.effect)
        cells = [Text(escape_controls(text)) for text in texts]
        table.add_row(
            each.number, *cells, str(each.seeds or ""), format_cost(each.seconds), each.date
        )
    console().print(table)

"""`ablab compare`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import add, console
from ablab.errors import FAILED, FINISHED, GATE_FAILED
from ablab.folders import lab_folder
from ablab.importing import without_gc

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.report.page.table import Table


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "compare two sweeps, commits or machines: which differences exceed the noise"
    command = add(commands, "compare", _compare, text)
    for name in ("A", "B"):
        command.add_argument(
            name.lower(), metavar=name, help="SWEEP or LAB:SWEEP, either also with @COMMIT"
        )
    command.add_argument(
        "--to", metavar="FOLDER", type=Path, help="write the page to FOLDER, not beside A's report"
    )
    command.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help="end with exit code 3 if a variant of B is worse, different or undecided; several: "
        "worse,undecided",
    )
    command.add_argument(
        "--margin",
        type=float,
        metavar="X",
        help="with --fail-if: the largest difference that does not matter, in the metric's unit: "
        "0.002 is 0.2 points of an accuracy",
    )


def _compare(options: argparse.Namespace) -> int:
    with without_gc():
        from ablab.report.compare.change import Change
        from ablab.report.compare.gate import check, decide
        from ablab.report.compare.inputs import read_inputs
        from ablab.report.compare.page import change_table, output_folder, write_change
        from ablab.report.compare.text import differing, notes, sentence
        from ablab.tracking.lab import Lab

    conditions = [name for words in options.fail_if for name in words.split(",")]
    check(conditions, options.margin)
    change, out = Change(*read_inputs(options.a, options.b, Lab(lab_folder()))), console()
    title = f"{change.inputs}; {change.metric}, paired by seed"
    out.print(title, highlight=False, markup=False, soft_wrap=True)
    out.print(_to_rich(change_table(change)))
    for line in (sentence(change), *notes(change)):
        out.print(line, highlight=False, markup=False)
    for name, values in differing(change):
        out.print(f"{name}: {values}", highlight=False, markup=False)
    damaged = [r for side in (change.a, change.b) for r in side.rows if r.outcome == "damaged"]
    for row in damaged:
        out.print(f"damaged: {row.reason}", highlight=False, markup=False, soft_wrap=True)
    page = write_change(change, options.to or output_folder(change))
    out.print(f"Page: {page}", highlight=False, markup=False, soft_wrap=True)
    gate = decide(change, conditions, options.margin) if conditions else None
    if gate is not None:
        out.print(gate.line, highlight=False, markup=False, soft_wrap=True)
    if damaged:
        return FAILED
    return GATE_FAILED if gate is not None and gate.failed else FINISHED


def _to_rich(table: "Table") -> object:
    from rich.table import Table as RichTable
    from rich.text import Text

    rich_table = RichTable(box=None, pad_edge=False, header_style="dim")
    for column in table.columns:
        rich_table.add_column(column, justify="left" if column == table.columns[0] else "right")
    for texts, _ in table.rows:
        rich_table.add_row(*map(Text, texts))
    return rich_table

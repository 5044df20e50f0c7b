"""Comma-separated values in which no text is a formula.

A spreadsheet computes a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line's end,
whoever wrote it: a class may be called ``=HYPERLINK(…)``. Such text has an apostrophe before it,
which a spreadsheet does not show, and which `read_rows` takes away again. Numbers stay numbers.

Source: OWASP, CSV injection.
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

# Full-width forms are signs too, to a spreadsheet that is set to Chinese or Japanese.
_FORMULA = re.compile(r"'*[=+@\t\r\n\-\uff1d\uff0b\uff0d\uff20]")


def to_csv(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as comma-separated values, what is None empty.

    Args:
        rows: cells; those that are text are no formulas in the result.
    """
    return "".join(map(_line, rows))


def read_rows(path: Path) -> list[list[str]]:
    """Return the rows of a file that `to_csv` made, texts as they were given."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [[_bare(cell) for cell in row] for row in csv.reader(stream)]


def _line(row: Iterable[object]) -> str:
    """Return a row; a cell that holds either sign of a line's end is quoted, whatever ends it."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([_guarded(cell) for cell in row])
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def _guarded(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell

"""CSV in which no text is a formula.

A spreadsheet evaluates a cell that starts with ``=``, ``+``, ``-``, ``@``, a tab or a line break,
wherever it comes from: a class may be called ``=HYPERLINK(…)``. An apostrophe before such text,
which a spreadsheet does not show, prevents that; `read_rows` removes it. Numbers stay numbers.

Source: OWASP, CSV injection.
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

# A spreadsheet set to Chinese or Japanese accepts the full-width forms of these signs too.
_FORMULA = re.compile(r"'*[=+@\t\r\n\-\uff1d\uff0b\uff0d\uff20]")


def to_csv(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV, None as an empty cell.

    Args:
        rows: of cells; text among them is guarded against evaluation.
    """
    return "".join(map(_line, rows))


def read_rows(path: Path) -> list[list[str]]:
    """Return the rows of a file that `to_csv` wrote, with the original texts."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [[_unguard(cell) for cell in row] for row in csv.reader(stream)]


def _line(row: Iterable[object]) -> str:
    """Return a row; with this terminator the writer quotes a cell that holds CR or LF."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([_guard(cell) for cell in row])
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def _guard(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell

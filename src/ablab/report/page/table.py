"""A table of text, as the templates show it."""

from dataclasses import dataclass
from itertools import accumulate

from ablab.formatting import NONE


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        spans: titles above the columns, each with the number of columns that it spans.
        columns: titles of the columns; the first is that of the row's name.
        rows: for each row its cells, and a remark beside its name.
    """

    spans: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], str], ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """The indices of the columns at which a span begins, without the first."""
        widths = [width for _, width in self.spans]
        return tuple(accumulate(widths[:-1]))

    def without_empty_columns(self) -> "Table":
        """Return the table without columns that hold nothing but dashes."""
        kept = [
            column
            for column in range(len(self.columns))
            if column == 0 or not self.rows or any(cells[column] != NONE for cells, _ in self.rows)
        ]
        ends = [*self.starts, len(self.columns)] if self.spans else []
        widths = [
            sum(end - width <= column < end for column in kept)
            for (_, width), end in zip(self.spans, ends, strict=True)
        ]
        spans = zip((title for title, _ in self.spans), widths, strict=True)
        return Table(
            tuple((title, width) for title, width in spans if width),
            tuple(self.columns[column] for column in kept),
            tuple((tuple(cells[column] for column in kept), mark) for cells, mark in self.rows),
        )

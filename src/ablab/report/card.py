"""What a notebook shows of a trial, a sweep, a report or a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablab.report.page.filling import fill


@dataclass(frozen=True)
class CardTable:
    """A table of a card.

    Attributes:
        columns: their titles; the first is the row's name.
        rows: a text a column, and a mark that goes with the row's name.
        is_text: whether the cells are texts, which stand to the left, and no numbers.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[Sequence[str], str]]
    is_text: bool = False


def card(
    kind: str,
    title: str,
    texts: Sequence[str] = (),
    tables: Sequence[CardTable] = (),
    notes: Sequence[str] = (),
) -> str:
    """Return a piece of HTML that needs no script, style sheet or network.

    Whatever is written in it is escaped, and left alone by the notebook's MathJax. Colors are the
    notebook's, light or dark.

    Args:
        kind: what it shows: ``Trial``.
        title: of the one that is shown.
        texts: sentences under it.
        tables: after these.
        notes: small, at the end.
    """
    content = {"kind": kind, "title": title, "texts": texts, "tables": tables, "notes": notes}
    return fill("card.html.j2", **content)

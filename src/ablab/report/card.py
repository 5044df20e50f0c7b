"""Cards: the HTML display of trials, sweeps, reports and comparisons in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablab.report.page.filling import fill


@dataclass(frozen=True)
class CardTable:
    """A table of a card.

    Attributes:
        columns: titles of the columns; the first is that of the row's name.
        rows: for each row its cells, and a remark beside its name.
        is_text: whether the cells are text, aligned left, instead of numbers.
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
    """Return a card as HTML without scripts, style sheets or network access.

    All content is escaped, and ignored by the notebook's MathJax. Colors are those of the
    notebook's theme.

    Args:
        kind: the kind of object, ``Trial``.
        title: the name of the object.
        texts: sentences below the title.
        tables: tables below the sentences.
        notes: remarks at the end.
    """
    content = {"kind": kind, "title": title, "texts": texts, "tables": tables, "notes": notes}
    return fill("card.html.j2", **content)

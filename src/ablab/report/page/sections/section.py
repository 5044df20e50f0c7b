"""The parts of a section, as the templates show them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from ablab.report.page.table import Table
from ablab.report.text.glossary import term_of_column


@dataclass(frozen=True)
class Picture:
    """Figures side by side, as SVG, with one caption.

    Attributes:
        figures: none of them empty.
        caption: what they show and how to read them.
    """

    kind: ClassVar[str] = "picture"
    figures: tuple[str, ...]
    caption: str

    @property
    def glossary_text(self) -> str:
        """The text whose terms the glossary defines."""
        return self.caption


@dataclass(frozen=True)
class Note:
    """A remark, optionally with a command to type and the end of the sentence."""

    kind: ClassVar[str] = "note"
    text: str
    command: str = ""
    rest: str = ""

    @property
    def glossary_text(self) -> str:
        """The text whose terms the glossary defines."""
        return self.text


@dataclass(frozen=True)
class BulletList:
    """Sentences as a list."""

    kind: ClassVar[str] = "list"
    lines: tuple[str, ...]

    @property
    def glossary_text(self) -> str:
        """The text whose terms the glossary defines."""
        return " ".join(self.lines)


@dataclass(frozen=True)
class TableItem:
    """A table in a section.

    Attributes:
        name: the class of its style.
        summary: the line under which it is folded; empty if it is not.
        title: its heading, or empty.
    """

    kind: ClassVar[str] = "table"
    table: Table
    name: str
    summary: str = ""
    title: str = ""

    @property
    def glossary_text(self) -> str:
        """The text whose terms the glossary defines."""
        return " ".join(term_of_column(title) for title in self.table.columns)


@dataclass(frozen=True)
class CodeListing:
    """The text of a file, folded.

    Attributes:
        text: its lines.
        summary: the line under which it is folded.
    """

    kind: ClassVar[str] = "listing"
    text: str
    summary: str
    glossary_text: ClassVar[str] = ""

    @property
    def fence(self) -> str:
        """The fence of its block in Markdown: more backticks than the text has in a row."""
        return "`" * max(3, 1 + max(map(len, re.findall("`+", self.text)), default=0))


@dataclass(frozen=True)
class Links:
    """Links to files of the lab, folded.

    Attributes:
        links: the text of each link, and its path relative to the report's folder.
        summary: the line under which they are folded.
    """

    kind: ClassVar[str] = "links"
    links: tuple[tuple[str, str], ...]
    summary: str
    glossary_text: ClassVar[str] = ""


Item = Picture | Note | BulletList | TableItem | CodeListing | Links


@dataclass(frozen=True)
class Part:
    """The part of a section that is about one block.

    Attributes:
        title: the block's name; empty if there is only one.
        items: its content, in order.
        folded: whether it is folded under its title.
    """

    title: str
    items: tuple[Item, ...]
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: its anchor.
        title: its heading.
        parts: those with content; a section without parts is left out.
    """

    name: str
    title: str
    parts: tuple[Part, ...]

    @property
    def has_text(self) -> bool:
        """Whether it has any content but pictures."""
        return any(item.kind != "picture" for part in self.parts for item in part.items)


def pictures(figures: Iterable[str], caption: str) -> list[Item]:
    """Return one picture of the figures that are not empty; none if all are."""
    shown = tuple(filter(None, figures))
    return [Picture(shown, caption)] if shown else []


def undivided(name: str, title: str, items: Iterable[Item]) -> Section:
    """Return a section that is not divided by block; without items it has no parts."""
    content = tuple(items)
    return Section(name, title, (Part("", content),) if content else ())

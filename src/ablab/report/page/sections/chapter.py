"""What a chapter is made of; the templates show it, whatever it is about."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from ablab.report.page.tables import Table
from ablab.report.text.glossary import meant


@dataclass(frozen=True)
class Picture:
    """Figures side by side, as SVG, with one caption.

    Attributes:
        figures: without the empty ones.
        caption: what they show and how to read it.
    """

    kind: ClassVar[str] = "picture"
    figures: tuple[str, ...]
    caption: str

    @property
    def words(self) -> str:
        """What of it the glossary may explain."""
        return self.caption


@dataclass(frozen=True)
class Note:
    """A remark; with a command, what to type."""

    kind: ClassVar[str] = "note"
    text: str
    command: str = ""
    rest: str = ""

    @property
    def words(self) -> str:
        """What of it the glossary may explain."""
        return self.text


@dataclass(frozen=True)
class Points:
    """Sentences as a list."""

    kind: ClassVar[str] = "points"
    lines: tuple[str, ...]

    @property
    def words(self) -> str:
        """What of it the glossary may explain."""
        return " ".join(self.lines)


@dataclass(frozen=True)
class Shown:
    """A table in a chapter.

    Attributes:
        name: of its kind, for the style.
        folded: the line behind which it is folded away, or empty.
        title: its heading, or empty.
    """

    kind: ClassVar[str] = "table"
    table: Table
    name: str
    folded: str = ""
    title: str = ""

    @property
    def words(self) -> str:
        """What of it the glossary may explain."""
        return " ".join(meant(column) for column in self.table.columns)


@dataclass(frozen=True)
class Listing:
    """Text as it stands in a file, folded away behind a line.

    Attributes:
        text: its lines.
        folded: the line.
    """

    kind: ClassVar[str] = "listing"
    text: str
    folded: str
    words: ClassVar[str] = ""

    @property
    def fence(self) -> str:
        """What sets it off in Markdown: more backticks than it has in a row."""
        return "`" * max(3, 1 + max(map(len, re.findall("`+", self.text)), default=0))


@dataclass(frozen=True)
class Links:
    """Files of the lab, folded away behind a line.

    Attributes:
        links: what each is, and its path from the report's folder.
        folded: the line.
    """

    kind: ClassVar[str] = "links"
    links: tuple[tuple[str, str], ...]
    folded: str
    words: ClassVar[str] = ""


Item = Picture | Note | Points | Shown | Listing | Links


@dataclass(frozen=True)
class Part:
    """A block's share of a chapter.

    Attributes:
        title: the block's name, empty where there is but one.
        items: what it shows, in order.
        folded: whether it is folded away under its title.
    """

    title: str
    items: tuple[Item, ...]
    folded: bool = False


@dataclass(frozen=True)
class Chapter:
    """One topic of the page.

    Attributes:
        name: its anchor.
        title: its heading.
        parts: those that have something to show.
    """

    name: str
    title: str
    parts: tuple[Part, ...]

    @property
    def has_words(self) -> bool:
        """Tell whether anything is left of it without pictures."""
        return any(item.kind != "picture" for part in self.parts for item in part.items)


def pictures(figures: Iterable[str], caption: str) -> list[Item]:
    """Return a picture of the figures that are there, or nothing."""
    found = tuple(filter(None, figures))
    return [Picture(found, caption)] if found else []


def whole(name: str, title: str, items: Iterable[Item]) -> Chapter:
    """Return a chapter that is not by block; without parts where there are no items."""
    found = tuple(items)
    return Chapter(name, title, (Part("", found),) if found else ())

"""Work that may take long, with a word at its start and every few seconds."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Say = Callable[[str], None]

MANY = 50  # items that are announced at once
SECONDS = 5.0  # between two words


def counted(items: Sequence[T], what: str, say: Say) -> Iterator[T]:
    """Yield the items, and say how far it is.

    Args:
        items: what there is to do.
        what: is done with them, ``"variants are checked"``.
        say: takes a sentence.
    """
    last = time.monotonic()
    if len(items) > MANY:
        say(f"{len(items):,} {what}.")
    for number, item in enumerate(items):
        if (now := time.monotonic()) - last > SECONDS:
            last = now
            say(f"{number:,} of {len(items):,} {what}.")
        yield item


def silent(_text: str) -> None:
    """Say nothing."""

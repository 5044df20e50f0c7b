"""Progress messages of loops that may take long."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Notify = Callable[[str], None]

MANY = 50  # more items than this are announced before the first one
SECONDS = 5.0  # between two messages


def with_progress(items: Sequence[T], description: str, notify: Notify) -> Iterator[T]:
    """Yield the items and report every few seconds how many are done.

    Args:
        items: to iterate over.
        description: ends the message, ``"variants are checked"``.
        notify: receives each message, one sentence.
    """
    last = time.monotonic()
    if len(items) > MANY:
        notify(f"{len(items):,} {description}.")
    for number, item in enumerate(items):
        if (now := time.monotonic()) - last > SECONDS:
            last = now
            notify(f"{number:,} of {len(items):,} {description}.")
        yield item


def ignore(_message: str) -> None:
    """Discard a message."""

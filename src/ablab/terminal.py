"""The terminal, or a log in its place: what is printed there cannot steer it."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ablab.text import printable

_LOG_WIDTH = 160  # characters a line where nobody looks


class SafeConsole(Console):
    """Rich's console for text that others wrote: names, questions, errors of users' components.

    Markup (``[bold]``), emoji codes (``:smile:``) and colours for what looks like a number are
    off, and control characters are written as escapes wherever they come from; styles that the
    caller asks for still work.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is written, in pieces: the one way from a text to the terminal."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text, "\n"), style)


def console(**options: Any) -> SafeConsole:
    """Return where a command prints, wide where nobody looks."""
    width = None if sys.stdout.isatty() else _LOG_WIDTH
    return SafeConsole(**{"width": width, **options})

"""Console for text from outside: printed text cannot control the terminal."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ablab.text import escape_controls

_LOG_WIDTH = 160  # characters, where output is not a terminal


class SafeConsole(Console):
    """Prints text from outside safely: names, questions, errors of users' components.

    Rich's markup (``[bold]``), emoji codes (``:smile:``) and highlighting of numbers are off, and
    control characters are escaped. Styles set by the caller still work.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments to be written; all output passes here."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(escape_controls(text, "\n"), style)


def make_console(**options: Any) -> SafeConsole:
    """Return the console of a command, wide if output is not a terminal."""
    width = None if sys.stdout.isatty() else _LOG_WIDTH
    return SafeConsole(**{"width": width, **options})

"""Where a call from Python shows how far it is, and whose modules it may use."""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import RenderableType

from ablab import terminal
from ablab.terminal import SafeConsole

_WIDTH, _HEIGHT = 110, 60  # characters a line, and lines, of a table in a notebook


def in_notebook() -> bool:
    """Tell whether a notebook's kernel runs this process: what is displayed there can change."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def progress(*, quiet: bool) -> tuple[SafeConsole, "NotebookDisplay | None"]:
    """Return where lines are printed, and what draws a table in a notebook.

    Args:
        quiet: print nothing.
    """
    if quiet or sys.stdout is None:
        return SafeConsole(file=io.StringIO(), force_terminal=False), None
    if in_notebook():
        # ipykernel sets FORCE_COLOR: left to itself, Rich would take the cell for a terminal.
        plain = terminal.console(force_jupyter=False, force_terminal=False, height=_HEIGHT)
        return plain, NotebookDisplay()
    return terminal.console(), None


class NotebookDisplay:
    """One output of a notebook's cell, drawn again and again."""

    def __init__(self) -> None:
        self._handle: Any = None

    def start(self, refresh: bool = False) -> None:
        """Wait for the first drawing."""

    def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
        """Draw what a terminal would show."""
        from IPython.display import HTML, display

        drawing = HTML(as_html(renderable))
        if self._handle is None:
            self._handle = display(drawing, display_id=True)
        else:
            self._handle.update(drawing)

    def stop(self) -> None:
        """Leave the last drawing there."""


def as_html(renderable: RenderableType) -> str:
    """Return what a terminal would show as HTML that is escaped and needs no style sheet."""
    options = {"force_jupyter": False, "force_terminal": False, "width": _WIDTH}
    drawn = SafeConsole(record=True, file=io.StringIO(), height=_HEIGHT, **options)
    drawn.print(renderable)
    whole = '<pre class="tex2jax_ignore mathjax_ignore" style="line-height: 1.3">{code}</pre>'
    return drawn.export_html(code_format=whole, inline_styles=True)


@contextmanager
def allowing(modules: str | Sequence[str]) -> Iterator[None]:
    """Let a ``_target_`` lie in modules while the block runs, besides those of ``ABLAB_ALLOW``."""
    before = os.environ.get("ABLAB_ALLOW")
    names = [modules] if isinstance(modules, str) else modules
    if names:
        os.environ["ABLAB_ALLOW"] = ",".join(filter(None, [before, *names]))
    try:
        yield
    finally:
        if names and before is None:
            del os.environ["ABLAB_ALLOW"]
        elif names and before is not None:
            os.environ["ABLAB_ALLOW"] = before

"""Progress of a call from Python, in a notebook or elsewhere, and modules allowed for a call."""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import RenderableType

from ablab import terminal
from ablab.terminal import SafeConsole

_WIDTH, _HEIGHT = 110, 60  # characters per line, and lines, of a table in a notebook


def in_notebook() -> bool:
    """Return whether a notebook's kernel runs this process, where an output can be updated."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def progress(*, quiet: bool) -> tuple[SafeConsole, "NotebookDisplay | None"]:
    """Return the console that prints lines, and in a notebook the display that draws a table.

    Args:
        quiet: print nothing.
    """
    if quiet or sys.stdout is None:
        return SafeConsole(file=io.StringIO(), force_terminal=False), None
    if in_notebook():
        # ipykernel sets FORCE_COLOR, from which Rich would conclude that the cell is a terminal.
        plain = terminal.make_console(force_jupyter=False, force_terminal=False, height=_HEIGHT)
        return plain, NotebookDisplay()
    return terminal.make_console(), None


class NotebookDisplay:
    """An output of a notebook cell that is updated."""

    def __init__(self) -> None:
        self._handle: Any = None

    def start(self, refresh: bool = False) -> None:
        """Do nothing: the first update creates the output."""

    def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
        """Show what a terminal would show."""
        from IPython.display import HTML, display

        html = HTML(as_html(renderable))
        if self._handle is None:
            self._handle = display(html, display_id=True)
        else:
            self._handle.update(html)

    def stop(self) -> None:
        """Do nothing: the last update stays visible."""


def as_html(renderable: RenderableType) -> str:
    """Return the output of a terminal as escaped HTML that needs no style sheet."""
    options = {"force_jupyter": False, "force_terminal": False, "width": _WIDTH}
    console = SafeConsole(record=True, file=io.StringIO(), height=_HEIGHT, **options)
    console.print(renderable)
    # The classes keep MathJax from rendering text between dollar signs as mathematics.
    code_format = '<pre class="tex2jax_ignore mathjax_ignore" style="line-height: 1.3">{code}</pre>'
    return console.export_html(code_format=code_format, inline_styles=True)


@contextmanager
def allowing(modules: str | Sequence[str]) -> Iterator[None]:
    """Allow ``_target_`` to name modules in the block, in addition to those of ``ABLAB_ALLOW``."""
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

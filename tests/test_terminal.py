"""What others wrote reaches a terminal as text, and never steers it."""

import io
from typing import Any

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ablab.terminal import SafeConsole
from ablab.text import printable

HOSTILE = "\x1b[2J\x1b]0;title\x07 \x9b31m \u202e [bold]x[/bold] [/] :smile:"


def printed(thing: Any, **options: Any) -> str:
    console = SafeConsole(file=io.StringIO(), width=200, **options)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined]


def table(text: str) -> Table:
    made = Table("name")
    made.add_row(text)
    return made


@pytest.mark.parametrize("thing", [HOSTILE, Text(HOSTILE, "bold"), table(printable(HOSTILE))])
def test_escape_sequences_and_markup_are_printed_as_they_are_written(thing: Any):
    seen = printed(thing, force_terminal=False)
    assert "\\x1b[2J\\x1b]0;title" in seen
    assert "\\x9b31m \\u202e [bold]x[/bold] [/] :smile:" in seen
    assert not set(seen) & set("\x1b\x07\x9b\u202e")


def test_styles_of_our_own_still_work_in_a_terminal():
    seen = printed(Text(HOSTILE, "bold"), force_terminal=True, color_system="standard")
    assert seen.startswith("\x1b[1m")
    assert seen.count("\x1b") == 2  # on and off


def test_live_table_is_drawn_without_what_a_name_would_do():
    console = SafeConsole(file=io.StringIO(), force_terminal=True, width=200)
    with Live(table(HOSTILE), console=console, auto_refresh=False) as live:
        live.update(table("\x1b[31mother"), refresh=True)
    seen = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\\x1b[2J" in seen
    assert "\x1b[2J" not in seen
    assert "\x1b[31m" not in seen
    assert "\x07" not in seen

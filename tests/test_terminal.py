"""Text from outside is printed as text and cannot control the terminal."""

import io
from typing import Any

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ablab.terminal import SafeConsole
from ablab.text import escape_controls

HOSTILE = "\x1b[2J\x1b]0;title\x07 \x9b31m \u202e [bold]x[/bold] [/] :smile:"


def printed(content: Any, **options: Any) -> str:
    console = SafeConsole(file=io.StringIO(), width=200, **options)
    console.print(content)
    return console.file.getvalue()  # type: ignore[attr-defined]


def table(text: str) -> Table:
    rows = Table("name")
    rows.add_row(text)
    return rows


@pytest.mark.parametrize(
    "content", [HOSTILE, Text(HOSTILE, "bold"), table(escape_controls(HOSTILE))]
)
def test_escape_sequences_and_markup_are_printed_literally(content: Any):
    output = printed(content, force_terminal=False)
    assert "\\x1b[2J\\x1b]0;title" in output
    assert "\\x9b31m \\u202e [bold]x[/bold] [/] :smile:" in output
    assert not set(output) & set("\x1b\x07\x9b\u202e")


def test_styles_of_the_caller_still_work():
    output = printed(Text(HOSTILE, "bold"), force_terminal=True, color_system="standard")
    assert output.startswith("\x1b[1m")
    assert output.count("\x1b") == 2  # on and off


def test_live_table_is_safe_too():
    console = SafeConsole(file=io.StringIO(), force_terminal=True, width=200)
    with Live(table(HOSTILE), console=console, auto_refresh=False) as live:
        live.update(table("\x1b[31mother"), refresh=True)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\\x1b[2J" in output
    assert "\x1b[2J" not in output
    assert "\x1b[31m" not in output
    assert "\x07" not in output

"""`ablab completion`: completes commands, options, names and overrides in a shell.

The shell runs ablab at each press of the Tab key, so nothing here imports torch, Hydra or MLflow.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ablab.cli.command import add

if TYPE_CHECKING:
    from ablab.cli.command import Commands

_OF_SWEEPS = ("compare", "du", "export-lab", "publish", "report", "status", "sweep", "ui")
_SWEEP_NAMES = ("a", "b", "name", "names")


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "print the script that makes a shell complete commands, names and key=value"
    command = add(commands, "completion", _print_script, text)
    command.add_argument("shell", choices=["bash", "zsh", "fish"])


def _print_script(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    sys.stdout.write(shellcode(["ablab"], shell=options.shell))
    return 0


def complete(make_parser: Callable[[Sequence[str]], argparse.ArgumentParser]) -> None:
    """Write the completions and exit if a shell asks for them; else return."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    from ablab.cli.completion_finder import Finder

    parser = make_parser(_words_before())
    for command, action in _arguments(parser):
        if (completer := _completer(command, action.dest)) is not None:
            action.completer = completer  # type: ignore[attr-defined] # read by argcomplete
    Finder()(parser, always_complete_options=False)


def _words_before() -> list[str]:
    """Return the words that are typed already, without the program and the word at the cursor."""
    line = os.environ.get("COMP_LINE", "")
    typed = line.encode()[: int(os.environ.get("COMP_POINT") or 0)].decode(errors="ignore")
    return f"{typed}…".split()[1:-1]  # after a blank the word at the cursor is empty


def _completer(command: str, argument: str) -> Callable[..., list[str]] | None:
    from ablab.cli import completers as of  # late: other commands complete nothing

    if command in _OF_SWEEPS and argument in _SWEEP_NAMES:
        return of.complete_sweeps
    if (command, argument) == ("list", "name"):
        return of.complete_components
    by_argument: dict[str, Callable[..., list[str]]] = {
        "overrides": of.complete_overrides,
        "axis": of.complete_groups,
        "dataset": of.complete_datasets,
        "key": of.complete_keys,
        "keys": of.complete_keys,
    }
    return by_argument.get(argument)


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Yield each command's name with each of its arguments."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from ((name, argument) for argument in command._actions)

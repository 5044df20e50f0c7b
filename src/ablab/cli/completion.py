"""`ablab completion`: completes commands, options, names and overrides in a shell.

The shell runs ablab at each press of the Tab key, so nothing here imports torch, Hydra or MLflow.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ablab.cli.command import add
from ablab.cli.completers import (
    complete_components,
    complete_datasets,
    complete_groups,
    complete_keys,
    complete_overrides,
    complete_sweeps,
)

if TYPE_CHECKING:
    from ablab.cli.command import Commands

_COMPLETERS: dict[str, Callable[..., list[str]]] = {
    "overrides": complete_overrides,
    "axis": complete_groups,
    "dataset": complete_datasets,
    "key": complete_keys,
    "keys": complete_keys,
}
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


def complete(make_parser: Callable[[], argparse.ArgumentParser]) -> None:
    """Write the completions and exit if a shell asks for them; else return."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    from ablab.cli.completion_finder import Finder

    parser = make_parser()
    for command, action in _arguments(parser):
        if (completer := _completer(command, action.dest)) is not None:
            action.completer = completer  # type: ignore[attr-defined] # read by argcomplete
    Finder()(parser, always_complete_options=False)


def _completer(command: str, argument: str) -> Callable[..., list[str]] | None:
    if command in _OF_SWEEPS and argument in _SWEEP_NAMES:
        return complete_sweeps
    if (command, argument) == ("list", "name"):
        return complete_components
    return _COMPLETERS.get(argument)


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Yield each command's name with each of its arguments."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from ((name, argument) for argument in command._actions)

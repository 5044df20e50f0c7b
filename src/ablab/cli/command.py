"""What the commands have in common."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(
    commands: "Commands", name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """Add a command that ``run`` does, described by one line of text."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    add_debug(command)
    return command


def add_debug(parser: argparse.ArgumentParser, default: bool | str = argparse.SUPPRESS) -> None:
    """Let tracebacks be asked for, before the command's name and behind it."""
    parser.add_argument(
        "--debug",
        action="store_true",
        default=default,
        help="show the traceback of any error (as does ABLAB_DEBUG=1)",
    )


def add_overrides(
    command: argparse.ArgumentParser, examples: str = "activation=elu, optimizer.lr=0.1"
) -> None:
    """Let a command take overrides, such as the examples."""
    command.add_argument("overrides", nargs="*", metavar="key=value", help=examples)


def add_training(command: argparse.ArgumentParser) -> None:
    """Let a command that trains leave the store alone, and see a user's own modules."""
    command.add_argument("--offline", action="store_true", help="touch no store")
    command.add_argument(
        "--allow", action="append", metavar="MODULE", help="let a _target_ lie in MODULE"
    )


def console() -> "Console":
    """Return where a command prints, wide where nobody looks."""
    from ablab.terminal import console as terminal  # Rich is no need of `ablab --help`

    return terminal()

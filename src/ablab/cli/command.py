"""Options that several commands share."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(
    commands: "Commands", name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """Add a command that calls ``run``, with a description of one line."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    add_debug(command)
    return command


def add_debug(parser: argparse.ArgumentParser, default: bool | str = argparse.SUPPRESS) -> None:
    """Add ``--debug``, which may stand before or after the name of the command."""
    parser.add_argument(
        "--debug",
        action="store_true",
        default=default,
        help="show the traceback of every error (also ABLAB_DEBUG=1)",
    )


def add_overrides(
    command: argparse.ArgumentParser, examples: str = "activation=elu, optimizer.lr=0.1"
) -> None:
    """Add overrides to a command; the examples are its help."""
    command.add_argument("overrides", nargs="*", metavar="key=value", help=examples)
    accept_words_after_options(command, _add_overrides)


def _add_overrides(options: argparse.Namespace, words: Sequence[str]) -> None:
    options.overrides = [*options.overrides, *words]


def accept_words_after_options(
    command: argparse.ArgumentParser, add: Callable[[argparse.Namespace, Sequence[str]], None]
) -> None:
    """Let words stand after options too, as in ``publish NAME --lab LAB DIR``.

    argparse assigns all words of a list where the first of them stands, and refuses later ones.

    Args:
        command: its words end with a list.
        add: adds the later words to those of the options.
    """
    command.set_defaults(add_words=add)


def add_training(command: argparse.ArgumentParser) -> None:
    """Add the options of a command that trains: ``--offline`` and ``--allow``."""
    command.add_argument(
        "--offline", action="store_true", help="do not write to MLflow; `ablab sync` does it later"
    )
    add_allow(command)


def add_allow(command: argparse.ArgumentParser) -> None:
    """Add ``--allow``, which permits modules of the user."""
    command.add_argument(
        "--allow",
        action="append",
        metavar="MODULE",
        help="allow _target_ to name classes and functions of MODULE; may be repeated",
    )


def console() -> "Console":
    """Return the console of a command, wide if the output is not a terminal."""
    from ablab.terminal import make_console as terminal  # late: `ablab --help` needs no Rich

    return terminal()

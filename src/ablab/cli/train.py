"""`ablab train`."""

import argparse
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides, add_training, console
from ablab.errors import FAILED, FINISHED, LOCKED
from ablab.importing import without_gc

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    command = add(
        commands, "train", _train, "train one trial, or show its result if it is finished"
    )
    command.add_argument(
        "--fresh", action="store_true", help="train a new run even if one exists, which is kept"
    )
    add_training(command)
    add_overrides(command)


def _train(options: argparse.Namespace) -> int:
    with without_gc():
        from ablab.report.show import show_result
        from ablab.training.single import train

    out = console()
    code, run = train(options.overrides, fresh=options.fresh, offline=options.offline, console=out)
    if code == FINISHED:
        show_result(run, out)
    elif code == FAILED:
        out.print(f"The trial failed: `ablab show {run.key}` shows why.")
    elif code == LOCKED:
        out.print(f"Another process trains {run.key}: `ablab show {run.key}` shows its progress.")
    else:
        out.print("Stopped. The same command continues from the last checkpoint.")
    return code

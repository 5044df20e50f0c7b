"""`ablab train`: one trial, or with `-m` every combination of several values."""

import argparse
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides, add_training, console
from ablab.errors import FAILED, FINISHED, LOCKED, InputError
from ablab.importing import without_gc

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    command = add(commands, "train", _train, "train a trial, or show its result if it is finished")
    command.add_argument(
        "--fresh", action="store_true", help="train a new run even if one exists, which is kept"
    )
    command.add_argument(
        "-m",
        "--multirun",
        action="store_true",
        help="train every combination of several values: activation=relu,tanh seed=1,2",
    )
    add_training(command)
    add_overrides(command)


def _train(options: argparse.Namespace) -> int:
    if options.multirun:
        return _multirun(options)
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


def _multirun(options: argparse.Namespace) -> int:
    if options.fresh:
        raise InputError("--fresh must be given for one trial, got --multirun")
    with without_gc():
        from ablab.sweep.multirun import run_multirun

    return run_multirun(options.overrides, offline=options.offline, console=console())

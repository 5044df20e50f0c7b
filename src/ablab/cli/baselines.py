"""`ablab baselines`."""

import argparse
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides, console

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "train the scikit-learn baselines on the split of a data set"
    command = add(commands, "baselines", _baselines, text)
    command.add_argument("dataset", help="name of a data set")
    command.add_argument(
        "--fresh", action="store_true", help="train again even if there are results"
    )
    add_overrides(command, "seed=1, dataset.val_fraction=0.1")


def _baselines(options: argparse.Namespace) -> int:
    from ablab.catalogue.baselines import train_baselines

    out = console()

    def print_line(line: str) -> None:
        out.print(line, highlight=False, markup=False)

    train_baselines(options.dataset, options.overrides, fresh=options.fresh, say=print_line)
    return 0

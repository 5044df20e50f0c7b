"""`ablab new`."""

import argparse
import sys
from typing import TYPE_CHECKING

from ablab.cli.command import add

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    command = add(commands, "new", _new, "write a template for your own component")
    command.add_argument("axis", help="activation, architecture, dataset, …: see `ablab list`")
    command.add_argument("name", help="lowercase letters, digits and _")


def _new(options: argparse.Namespace) -> int:
    from ablab.catalogue.new import next_commands, write_new

    for path in write_new(options.axis, options.name):
        sys.stdout.write(f"wrote {path}\n")
    sys.stdout.write("The template works as it is. Edit it, then run:\n")
    sys.stdout.writelines(f"  {line}\n" for line in next_commands(options.axis, options.name))
    return 0

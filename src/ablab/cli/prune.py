"""`ablab prune`: delete checkpoints that nothing can need."""

import argparse
import sys
from typing import TYPE_CHECKING

from ablab.cli.command import add
from ablab.folders import lab_folder
from ablab.text import format_count

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "delete checkpoints of finished trials, which nothing needs; weights are kept"
    prune = add(commands, "prune", _prune, text)
    prune.add_argument("--dry-run", action="store_true", help="only print how much that would free")


def _prune(options: argparse.Namespace) -> int:
    from ablab.formatting import format_size
    from ablab.tracking.checkpoints import prune
    from ablab.tracking.lab import Lab

    pruned = prune(Lab(lab_folder()), dry_run=options.dry_run)
    verb = "would be deleted" if options.dry_run else "deleted"
    sys.stdout.write(
        f"{format_count(pruned.checkpoints, 'checkpoint')} of finished trials {verb}, "
        f"{format_size(pruned.bytes)}\n"
    )
    return 0

"""`ablab du` and `rm`: the disk space of trials, and removal of those that nobody needs."""

import argparse
import sys
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides, console
from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.text import escape_controls, format_count

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the commands to the parser."""
    text = "show the disk space of sweeps, of one sweep's trials, or of trials that no plan counts"
    usage = add(commands, "du", _du, text)
    usage.add_argument("name", nargs="?", help="name of a sweep; without it, all sweeps")
    usage.add_argument("--unplanned", action="store_true", help="the trials that no plan counts")
    add_overrides(usage)
    text = "delete trials with all their runs: those that are named, or all that no plan needs"
    remove = add(commands, "rm", _rm, text)
    remove.add_argument("keys", nargs="*", metavar="KEY", help="key of a trial, or its beginning")
    remove.add_argument(
        "--unplanned",
        action="store_true",
        help="all trials that no plan needs, those of `ablab train` included",
    )
    remove.add_argument("--force", action="store_true", help="delete what a plan needs, too")
    remove.add_argument(
        "--yes", action="store_true", help="delete; without this, only show what would be deleted"
    )


def _du(options: argparse.Namespace) -> int:
    from ablab.report.space import sweep_table, trial_table
    from ablab.sweep.names import sweep_id
    from ablab.tracking.lab import Lab
    from ablab.tracking.plan import find_plan
    from ablab.tracking.usage import read_usage

    if options.name is not None and options.unplanned:
        raise InputError(f"--unplanned must be given without a sweep, got {options.name}")
    lab, out = Lab(lab_folder()), console()
    plan = options.name and find_plan(lab, sweep_id(options.name, options.overrides))
    usage = read_usage(lab)
    if plan or options.unplanned:
        keys = usage.by_size(plan.keys) if plan else usage.unplanned
        out.print(trial_table(lab, usage, keys))
    else:
        out.print(sweep_table(usage))
    sys.stdout.writelines(f"damaged: {escape_controls(m)}\n" for m in usage.damaged.values())
    return 1 if usage.damaged else 0


def _rm(options: argparse.Namespace) -> int:
    from ablab.faults import ConfigError
    from ablab.formatting import format_size
    from ablab.report.space import trial_table
    from ablab.tracking.lab import Lab
    from ablab.tracking.removal import removal_faults, remove_trials, unneeded
    from ablab.tracking.usage import read_usage

    if bool(options.keys) == options.unplanned:
        got = "both" if options.keys else "neither"
        raise InputError(f"rm must be given keys of trials or --unplanned, got {got}")
    if options.unplanned and options.force:
        raise InputError("--force must be given with keys of trials, got --unplanned")
    lab = Lab(lab_folder())
    named = {lab.find_key(prefix) for prefix in options.keys}
    usage = read_usage(lab)
    keys = usage.by_size(named or unneeded(lab, usage))
    if faults := removal_faults(lab, usage, keys, force=options.force):
        raise ConfigError(faults)
    if keys:
        console().print(trial_table(lab, usage, keys))
    left = remove_trials(lab, keys) if options.yes else {}
    size = format_size(sum(usage.trials[key] for key in keys if key not in left))
    count = format_count(len(keys) - len(left), "trial")
    end = "deleted; MLflow keeps its runs" if options.yes else "found; --yes deletes them"
    sys.stdout.write(f"{count}, {size}, {end}\n")
    if left:
        raise ConfigError(list(left.values()))
    return 0

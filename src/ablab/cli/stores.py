"""`ablab sync` and `backup`: MLflow's store is filled, copied, upgraded and saved."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import add
from ablab.errors import InputError
from ablab.text import escape_controls

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.tracking.copy_store import CopyResult
    from ablab.tracking.lab import Lab
    from ablab.tracking.store import Store
    from ablab.tracking.sync import SyncResult


def add_to(commands: "Commands") -> None:
    """Add the commands to the parser."""
    sync = add(commands, "sync", _sync, "log runs to MLflow that are missing or incomplete there")
    sync.add_argument(
        "--rebuild", action="store_true", help="recreate the lab's own store, and keep the old one"
    )
    sync.add_argument(
        "--restore", action="store_true", help="restore runs that were deleted in MLflow"
    )
    sync.add_argument(
        "--to",
        metavar="URI",
        help="copy all MLflow runs of the lab to another store, a server or sqlite:///FILE, which "
        "is created if it does not exist; the lab keeps the store that it has",
    )
    sync.add_argument(
        "--upgrade",
        action="store_true",
        help="first upgrade a SQLite store that an older MLflow wrote, and keep the old file",
    )
    text = "copy MLflow's SQLite store to a file, while trials may write to it"
    backup = add(commands, "backup", _backup, text)
    backup.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        type=Path,
        help="a new file; default: backups/ in the lab, with the time in its name",
    )


def _sync(options: argparse.Namespace) -> int:
    chosen = [n for n in ("rebuild", "to", "upgrade") if getattr(options, n) not in (None, False)]
    if len(chosen) > 1:
        raise InputError(f"--{chosen[0]} must be given alone, got --{chosen[1]} too")
    if options.to is not None:
        return _copy(options.to, restore=options.restore)
    from ablab.tracking.lab import Lab
    from ablab.tracking.store import Store, rebuild
    from ablab.tracking.sync import sync

    lab = Lab.open()
    if options.upgrade:
        _upgrade(lab)
    store, aside = rebuild(lab) if options.rebuild else (Store.open(lab), None)
    counts = sync(lab, store, restore=options.restore)
    if aside is not None:
        sys.stdout.write(f"the old store is kept as {aside}\n")
    return _print_result(store, counts, counts.failed, "ablab sync --restore")


def _upgrade(lab: "Lab") -> None:
    from ablab.tracking.upgrade import upgrade_store

    path, backup = upgrade_store(lab)
    if backup is None:
        sys.stdout.write(f"{path} has the schema of the installed MLflow already\n")
    else:
        sys.stdout.write(f"{path} was upgraded; the old store is kept as {backup}\n")


def _copy(uri: str, *, restore: bool) -> int:
    if not uri:
        raise InputError("--to must be the URI of a store, got an empty one")
    from ablab.tracking.copy_store import copy_store
    from ablab.tracking.lab import Lab

    copied = copy_store(Lab.open(), uri, restore=restore)
    counts, name = copied.target.logged, copied.target.address.display
    if counts.total():
        sys.stdout.write(
            f"copied to {name}: MLflow runs {counts['runs']}, values {counts['values']}, artifacts "
            f"{counts['artifacts']}\n"
        )
    else:
        sys.stdout.write(f"nothing was copied: {name} has everything already\n")
    _print_left_out(copied)
    again = f"ablab sync --restore --to {copied.target.address.without_password}"
    return _print_result(copied.target, copied.delivered, copied.failed, again)


def _print_left_out(copied: "CopyResult") -> None:
    reasons = {
        "runs were deleted in the store that the lab uses": copied.deleted,
        "MLflow runs of other programs are in that store": copied.seen["foreign"],
        "MLflow runs have logged models, which are not copied": copied.seen["models"],
    }
    for reason, count in reasons.items():
        if count:
            sys.stdout.write(f"left out: {count} {reason}\n")


def _print_result(store: "Store", counts: "SyncResult", failed: dict[str, str], again: str) -> int:
    for notice in store.notices:
        sys.stdout.write(f"{notice}\n")
    back = f" (`{again}` brings them back)" if counts.deleted else ""
    sys.stdout.write(
        f"{counts.complete} finished and {counts.unfinished} unfinished runs are in "
        f"{store.label}, {counts.deleted} were deleted there{back}\n"
    )
    for name, reason in failed.items():
        sys.stdout.write(f"not delivered: {name}: {escape_controls(reason)}\n")
    return 1 if failed else 0


def _backup(options: argparse.Namespace) -> int:
    from ablab.formatting import format_size
    from ablab.tracking.backup import back_up_store
    from ablab.tracking.lab import Lab

    target, size = back_up_store(Lab.open(), options.file)
    sys.stdout.write(
        f"{target} holds all runs, metrics, params and tags ({format_size(size)}); artifacts are "
        "files and not in it\n"
    )
    return 0

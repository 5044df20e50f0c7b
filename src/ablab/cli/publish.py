"""`ablab publish`: the reports of one or several labs as a static site."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import accept_words_after_options, add, console
from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.importing import without_gc
from ablab.text import format_count

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "write reports as a static site, for GitHub Pages or any web server"
    publish = add(commands, "publish", _publish, text)
    publish.add_argument("names", nargs="*", metavar="NAME", help="sweeps to publish")
    publish.add_argument(
        "folder",
        metavar="DIR",
        type=Path,
        help="folder of the site: new, empty, or one that this command wrote before",
    )
    publish.add_argument("--all", action="store_true", help="publish all sweeps")
    publish.add_argument(
        "--lab",
        action="append",
        metavar="[NAME=]FOLDER",
        help="publish this lab instead of yours; given several times, the labs are merged: trials "
        "of the same sweep count once, and each row names its lab",
    )
    publish.add_argument(
        "--conflicts",
        choices=("first",),
        help="where labs have different results of one trial, count that of the lab named first "
        "and mark it; without this, they are refused",
    )
    publish.add_argument(
        "--prune", action="store_true", help="remove the pages of sweeps that are not named"
    )
    accept_words_after_options(publish, _add_words)


def _add_words(options: argparse.Namespace, words: Sequence[str]) -> None:
    """Take the last word of all as the folder."""
    options.names = [*options.names, str(options.folder), *words[:-1]]
    options.folder = Path(words[-1])


def _publish(options: argparse.Namespace) -> int:
    if bool(options.names) == options.all:
        got = "both" if options.all else f"only {options.folder}, which is taken for DIR"
        raise InputError(f"publish must be given the names of sweeps, or --all, got {got}")
    if options.conflicts and len(options.lab or ()) < 2:
        raise InputError("--conflicts must be given with several --lab, got fewer than two")
    with without_gc():
        from ablab.formatting import format_size
        from ablab.report.publish.labs import NamedLab, open_labs
        from ablab.report.publish.site import publish
        from ablab.tracking.lab import Lab

    labs = open_labs(options.lab) if options.lab else [NamedLab("lab", Lab(lab_folder()))]
    site = publish(
        labs,
        options.names,
        options.folder,
        conflicts=options.conflicts or "",
        prune=options.prune,
    )
    out = console()
    for answer in site.answers:
        assert answer.report is not None
        out.print(f"{answer.sweep}: {answer.report.verdict}", highlight=False, markup=False)
    count = f"{format_count(len(site.answers), 'sweep')}, {format_count(site.num_files, 'file')}"
    line = f"Site: {site.index} ({count}, {format_size(site.num_bytes)})"
    out.print(line, highlight=False, markup=False, soft_wrap=True)
    damaged = dict.fromkeys(line for answer in site.answers for line in answer.damaged)
    for line in damaged:
        out.print(f"damaged: {line}", highlight=False, markup=False, soft_wrap=True)
    return 1 if damaged else 0

"""`ablab list` and `show`: view components and trials."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import add, console
from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.text import escape_controls

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.tracking.lab import Lab


def add_to(commands: "Commands") -> None:
    """Add the commands to the parser."""
    text = "list available components, or describe one component, setting, metric or sweep"
    listing = add(commands, "list", _list, text)
    listing.add_argument(
        "axis",
        nargs="?",
        help="activation, architecture, …; or data, trainer, devices, probes, metric, sweeps",
    )
    listing.add_argument(
        "name", nargs="?", help="show the YAML and docstring of this component, or this sweep"
    )
    show = add(
        commands, "show", _show, "show a trial: configuration, learning curve, log, next step"
    )
    show.add_argument("key", help="key of a trial, or the first characters of it")
    show.add_argument(
        "--pictures",
        metavar="FOLDER",
        help="draw its pictures into this folder, which must be new or empty, and show no more",
    )
    show.add_argument("--json", action="store_true", help="print one JSON document")


def _list(options: argparse.Namespace) -> int:
    from ablab.catalogue.lists import describe, list_members

    if options.name is not None:
        sys.stdout.write(escape_controls(describe(options.axis, options.name), keep="\n\t") + "\n")
        return 0
    found = list(list_members(options.axis))
    width = max(16, *(len(name) for name, _ in found))
    for name, text in found:
        lines = escape_controls(text, keep="\n").replace("\n", "\n" + " " * (width + 1))
        sys.stdout.write(f"{name:<{width}} {lines}".rstrip() + "\n")
    return 0


def _show(options: argparse.Namespace) -> int:
    from ablab.report.show import show_trial
    from ablab.tracking.lab import Lab

    if options.json and options.pictures is not None:
        raise InputError("--json must be given without --pictures, got both")
    lab = Lab(lab_folder())
    key = lab.find_key(options.key)
    if options.pictures is not None:
        return _draw(lab, key, Path(options.pictures))
    if options.json:
        return _print_json(lab, key)
    return 0 if show_trial(lab, key, console()) else 1


def _print_json(lab: "Lab", key: str) -> int:
    from ablab.formatting import format_json
    from ablab.report.show_json import trial_document

    document = trial_document(lab, key)
    sys.stdout.write(format_json(document))
    return 1 if document["damaged"] else 0


def _draw(lab: "Lab", key: str, folder: Path) -> int:
    from ablab.tracking.pictures.folder import draw_into

    run = lab.finished(key) or next(reversed(lab.runs(key)), None)
    if run is None:
        raise InputError(f"key must be a trial with a run, got {key}")
    sys.stdout.writelines(f"{folder / name}\n" for name in draw_into(run, folder))
    return 0

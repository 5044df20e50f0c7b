"""`ablab ui`: MLflow's web interface, opened at the page of a sweep."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_overrides
from ablab.errors import InputError

if TYPE_CHECKING:
    from webbrowser import BaseBrowser

    from ablab.cli.command import Commands
    from ablab.tracking.lab import Lab


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "show the runs of a sweep, or all runs, in MLflow's web interface"
    ui = add(commands, "ui", _ui, text)
    ui.add_argument("name", nargs="?", help="name of a sweep; without it, all experiments")
    ui.add_argument("--port", type=int, default=5001, help="port on this machine")
    ui.add_argument("--open", action="store_true", help="open the page in the web browser")
    add_overrides(ui)


def _ui(options: argparse.Namespace) -> int:
    from ablab.tracking.lab import Lab
    from ablab.tracking.store import Store
    from ablab.tracking.sync import sync
    from ablab.tracking.ui import serve

    lab = Lab.open()
    sweep = _sweep(lab, options)
    opener = _browser() if options.open else None
    store = Store.open(lab)
    sync(lab, store)  # otherwise a run whose process died would be shown as running
    return serve(lab, options.port, sweep=sweep, on_address=opener.open if opener else None)


def _sweep(lab: "Lab", options: argparse.Namespace) -> str | None:
    """Return the sweep whose page is asked for, or None.

    Raises:
        InputError: the lab has no such sweep; the message names the nearest.
    """
    if options.name is None:
        if options.overrides:
            raise InputError(f"override must follow a sweep's name, got {options.overrides[0]}")
        return None
    from difflib import get_close_matches

    from ablab.sweep.names import sweep_id
    from ablab.tracking.plan import find_plan

    sweep = sweep_id(options.name, options.overrides)
    try:
        return find_plan(lab, sweep).sweep
    except InputError as error:
        names = {known.partition(" [")[0] for known in lab.sweeps()} - {options.name}
        near = get_close_matches(options.name, sorted(names), n=1)
        raise InputError(f"{error}; did you mean {near[0]}?" if near else str(error)) from error


def _browser() -> "BaseBrowser":
    """Return the user's web browser.

    Raises:
        InputError: there is none that has a window.
    """
    import webbrowser  # late: six milliseconds of each `ablab --help`

    has_window = sys.platform != "linux" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    try:
        if has_window:
            return webbrowser.get()
    except webbrowser.Error:
        pass
    raise InputError(
        "--open must find a web browser with a window, got none: leave it out, and open the "
        "address that is printed"
    )

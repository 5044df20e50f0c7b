"""`ablab export-lab` and `ablab import`: carry a sweep to another lab."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ablab.cli.command import add, add_overrides
from ablab.errors import InputError, ResourceError
from ablab.folders import lab_folder
from ablab.text import escape_controls, format_count, format_name

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.tracking.archive.decision import ImportResult


_DEFAULT = Path()  # of --to: a file named as the sweep


def add_to(commands: "Commands") -> None:
    """Add the commands to the parser."""
    text = "write a sweep to a file: plan, finished runs and reports, to be imported elsewhere"
    export = add(commands, "export-lab", _export, text)
    export.add_argument("name", help="name of a sweep that was run before")
    export.add_argument(
        "--to",
        metavar="FILE.tar",
        type=Path,
        nargs="?",
        const=_DEFAULT,
        help="the file to write, by default NAME.tar; without --to, the archive goes to standard "
        "output (> FILE.tar)",
    )
    export.add_argument(
        "--no-weights",
        action="store_true",
        help="leave weights and checkpoints out; reports do not need them",
    )
    add_overrides(export)
    text = "import a sweep that `ablab export-lab` wrote; finished trials of this lab are kept"
    read = add(commands, "import", _import, text)
    read.add_argument("file", metavar="FILE.tar", help="the archive; - reads standard input")
    read.add_argument("--as", dest="sweep", metavar="NAME", help="name of the sweep in this lab")
    read.add_argument(
        "--keep",
        action="store_true",
        help="where the archive has other results of a trial than this lab, keep this lab's",
    )


def _export(options: argparse.Namespace) -> int:
    from ablab.formatting import format_size
    from ablab.sweep.names import sweep_id
    from ablab.tracking.archive.export import make_export
    from ablab.tracking.files import replacing
    from ablab.tracking.lab import Lab
    from ablab.tracking.plan import find_plan

    lab = Lab(lab_folder())
    plan = find_plan(lab, sweep_id(options.name, options.overrides))
    if options.to == _DEFAULT:
        options.to = Path(f"{plan.sweep}.tar")
    _check_target(options.to)
    export = make_export(lab, plan, weights=not options.no_weights)
    if options.to is None:
        _write_to_output(export.write)
    else:
        with replacing(options.to) as partial, partial.open("xb") as stream:
            export.write(stream)
            os.fsync(stream.fileno())
    for key, state in export.left_out.items():
        sys.stderr.write(f"left out: trial {key}, which is {state}\n")
    where = "standard output" if options.to is None else format_name(options.to)
    sys.stderr.write(
        f"{plan.sweep}: {format_count(export.num_runs, 'trial')}, {format_size(export.num_bytes)}, "
        f"in {where}; source code and data are not in it\n"
    )
    return 0


def _check_target(target: Path | None) -> None:
    """Refuse a target that exists, and a terminal.

    Raises:
        InputError: the archive cannot go there.
    """
    if target is None and sys.stdout.isatty():
        raise InputError(
            "standard output must be a file or a pipe (> FILE.tar), got a terminal; or give "
            "--to FILE.tar"
        )
    if target is not None and os.path.lexists(target):
        raise InputError(f"--to must be a new file, got {format_name(target)}, which exists")
    if target is not None and not target.parent.is_dir():
        raise InputError(f"--to must be in an existing folder, got {format_name(target)}")


def _write_to_output(write: object) -> None:
    """Write to standard output as it is: unlike that of messages, a failed write must be known.

    Raises:
        ResourceError: the reader is gone.
    """
    assert callable(write)
    sys.stdout.flush()
    try:
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stream:
            write(stream)
    except BrokenPipeError as error:
        raise ResourceError("standard output must be read to its end, got a closed pipe") from error


def _import(options: argparse.Namespace) -> int:
    from ablab.config.recorded import record_faults
    from ablab.tracking.archive.imports import import_archive

    with _opened(options.file) as stream:
        result = import_archive(stream, record_faults, name=options.sweep, keep=options.keep)
    sys.stdout.writelines(f"{escape_controls(line)}\n" for line in _lines(result))
    return 0


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """Open the archive.

    Raises:
        InputError: there is no such file.
    """
    if file == "-":
        yield sys.stdin.buffer
        return
    if not Path(file).is_file():
        raise InputError(f"file must be an archive of `ablab export-lab`, got no file {file}")
    with Path(file).open("rb") as stream:
        yield stream


def _lines(result: "ImportResult") -> Iterator[str]:
    """Yield what was imported, and what can be done now."""
    source = f"of host {result.manifest.host}, ablab {result.manifest.ablab}"
    yield f"{result.sweep}: {format_count(len(result.added), 'trial')} added, {source}"
    for keys, text in (
        (result.equal, "in this lab before"),
        (result.repeated, "in this lab before, trained apart with results equal to the bit"),
        (result.completed, "in this lab before, now with weights"),
        (result.kept, "in this lab before with other results or unfinished: this lab's is kept"),
        (result.absent, f"not in the archive: `ablab sweep {result.sweep}` trains what is missing"),
    ):
        if keys:
            yield f"{format_count(len(keys), 'trial')} {text}"
    if result.own_code:
        names = ", ".join(result.own_code[:5])
        yield f"The trials use {names}: to train them, get that code and give --allow."
    yield f"Next: ablab report {result.sweep}"

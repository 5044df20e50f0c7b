"""Import of a sweep from an archive, whole or not at all.

The runs are moved into the lab first, hidden by a marker; the plan appears last, in one rename,
and uncovers them. An import that is killed before leaves the lab as it was.
"""

import shutil
import time
from pathlib import Path
from re import compile as pattern
from typing import BinaryIO

from filelock import FileLock, Timeout

from ablab.bounds import RECORD_BYTES
from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.text import format_value
from ablab.tracking.archive.decision import ImportResult, decide
from ablab.tracking.archive.manifest import (
    MANIFEST,
    as_context,
    check_sweep_name,
    read_manifest,
)
from ablab.tracking.archive.staging import SWEEP, Check, Staged, check_staged, unpack
from ablab.tracking.archive.tar import TarReader
from ablab.tracking.completion import omitted_weights
from ablab.tracking.files import MARK, mark, remove_abandoned, sync_folder
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plan
from ablab.tracking.run import IMPORTING, Run
from ablab.tracking.sealed import write_sealed

SOURCE = "source.json"
_STAGING = pattern(rf"\.import-(?P<mark>{MARK})")


def import_archive(
    stream: BinaryIO, check: Check, *, name: str | None = None, keep: bool = False
) -> ImportResult:
    """Import the sweep in an archive into the lab.

    A trial that the lab has finished is kept. Nothing is written unless all can be.

    Args:
        stream: of the archive; need not be seekable.
        check: checks a trial's configuration, which comes from outside.
        name: of the sweep in this lab; by default as in the archive.
        keep: whether to import an archive that has other results of trials of this lab, whose own
            are kept. Otherwise it is refused.

    Raises:
        InputError: the archive is not one of `ablab export-lab`, is damaged, or contradicts the
            lab.
        ResourceError: the machine lacks something, such as disk space.
    """
    reader = TarReader(stream)
    manifest = read_manifest(reader.read_first(MANIFEST, RECORD_BYTES.most))
    sweep = manifest.sweep if name is None else name
    check_sweep_name(sweep)
    lab = Lab(lab_folder())
    _check_files(lab, sweep)
    lab = Lab.open()
    try:
        with FileLock(lab.root / ".import.lock", timeout=0):
            _finish_earlier(lab)
            folder = lab.root / f".import-{mark()}"
            folder.mkdir()
            try:
                staged = unpack(reader, manifest, folder)
                check_staged(staged, check)
                is_here = _is_here(lab, sweep, staged.plan)
                result = decide(lab, staged, sweep, keep=keep)
                _place(lab, staged, result, is_here=is_here)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise InputError(f"{lab.root} must have one import at a time, got another one") from None
    return result


def _check_files(lab: Lab, sweep: str) -> None:
    """Check, before the archive is read, that the sweep has a plan or nothing in the lab.

    Raises:
        InputError: it has other files.
    """
    folder = lab.sweep_folder(sweep)
    if folder.is_dir() and not (folder / "part-001.json").exists():
        others = [path.name for path in folder.iterdir() if path.name != ".lock"]
        if others:
            raise _not_new(sweep, "other files")


def _is_here(lab: Lab, sweep: str, plan: Plan) -> bool:
    """Return whether the lab plans the same: the same question, and the same trials in its cells.

    When and by which command each was planned does not matter: labs that trained a part of a sweep
    each are put together.

    Raises:
        InputError: it has another plan of that name.
    """
    own = read_plan(lab.sweep_folder(sweep))
    if own is None:
        return False
    if own.spec != plan.spec or {*own.cells} != {*plan.cells}:
        raise _not_new(sweep, "another plan")
    return True


def _not_new(sweep: str, what: str) -> InputError:
    return InputError(
        f"sweep must be new in the lab, got {format_value(sweep)}, which has {what} there: "
        "`--as NAME` imports it under another name"
    )


def _place(lab: Lab, staged: Staged, result: ImportResult, *, is_here: bool) -> None:
    """Move the runs, then the plan, into the lab."""
    folder, placed = lab.sweep_folder(result.sweep), []
    awaited = str((folder / "part-001.json").relative_to(lab.root))
    try:
        for key in result.added:
            (staged.runs[key].folder / IMPORTING).write_text(awaited, "utf-8")
            placed.append(lab.adopt(staged.runs[key]).folder)
        if not is_here:
            _move_plan(staged, folder)
    except BaseException:
        for path in [] if is_here else placed:
            shutil.rmtree(path, ignore_errors=True)
        raise
    for path in placed:
        (path / IMPORTING).unlink()
    for key in result.completed:
        _add_weights(lab, staged.runs[key])


def _move_plan(staged: Staged, folder: Path) -> None:
    """Put the plan in place, which uncovers the runs."""
    source = staged.folder / SWEEP
    write_sealed(source / SOURCE, {**as_context(staged.manifest), "imported": time.time()})
    folder.parent.mkdir(exist_ok=True)
    (folder / ".lock").unlink(missing_ok=True)
    source.replace(folder)  # an empty folder may be there, nothing else
    sync_folder(folder.parent)


def _add_weights(lab: Lab, run: Run) -> None:
    """Add the weights that the lab's own run was imported without."""
    own = lab.finished(run.key)
    assert own is not None
    for name in omitted_weights(own.folder):
        if (run.folder / name).is_file():
            (run.folder / name).replace(own.folder / name)


def _finish_earlier(lab: Lab) -> None:
    """Remove what a killed import left: its staging folder, and runs that nothing uncovered."""
    remove_abandoned(lab.root, _STAGING)
    for marker in lab.root.glob(f"trials/*/*/{IMPORTING}"):
        if Run(marker.parent).is_pending:
            shutil.rmtree(marker.parent)
        else:
            marker.unlink()

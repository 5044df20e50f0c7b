"""``ablab backup``: a copy of a SQLite store, consistent while trials write to it."""

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from ablab.disk import require_space
from ablab.errors import InputError, ResourceError, StoreError
from ablab.tracking.address import locate
from ablab.tracking.database import check, connect
from ablab.tracking.files import naming, replacing
from ablab.tracking.lab import Lab
from ablab.tracking.store_errors import to_store_error

BACKUPS = "backups"


def back_up_store(lab: Lab, file: Path | None) -> tuple[Path, int]:
    """Back up the SQLite store of a lab.

    Args:
        lab: the lab.
        file: the new file; default: a name with the time, in the lab's folder ``backups``.

    Returns:
        The backup's path, and its size in bytes.

    Raises:
        InputError: the file exists, or its folder does not.
        StoreError: the lab has no store, a damaged one, or uses a server.
    """
    address = locate(lab.root)
    database = address.database
    if database is None:
        raise StoreError(
            f"MLFLOW_TRACKING_URI must name a SQLite store for `ablab backup`, got "
            f"{address.display}; back up its database where it runs (`pg_dump` for Postgres), or "
            "copy the runs to a file with `ablab sync --to sqlite:///FILE`"
        )
    if not database.is_file():
        raise StoreError(f"{database} must exist, got no file; `ablab sync` creates it")
    if file is None:
        file = new_backup(database, lab.root / BACKUPS)
        file.parent.mkdir(exist_ok=True)
    try:
        return file, back_up(database, file)
    except sqlite3.Error as error:
        raise to_store_error(address, error) from error


def back_up(database: Path, target: Path) -> int:
    """Copy a SQLite store by SQLite's backup interface, in one read transaction.

    Processes that write to the store meanwhile neither wait (with a write-ahead log) nor tear the
    copy. A copied ``mlflow.db`` alone would lack what is in the log.

    Args:
        database: the store's file.
        target: the new file; its folder exists.

    Returns:
        The size of the new file, in bytes.

    Raises:
        InputError: the target exists, or its folder does not.
        ResourceError: the disk is full.
        sqlite3.Error: the store cannot be read.
    """
    refuse_existing(target)
    require_space_for_copy(database, target.parent)
    check(database, to_write=False)
    with replacing(target) as partial:
        with closing(connect(database)) as source, closing(sqlite3.connect(partial)) as copy:
            try:
                source.backup(copy)
            except sqlite3.OperationalError as error:
                if "full" not in str(error):
                    raise
                raise ResourceError(
                    f"{target} must have free space on its disk, got a full one; free some, then "
                    "repeat the command"
                ) from error
            # One file without companions; `Store.open` changes back.
            copy.execute("PRAGMA journal_mode=DELETE")
            _verify(copy, target)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        _claim(target)
    check(target, to_write=False)
    return target.stat().st_size


def refuse_existing(target: Path) -> None:
    """Refuse a target of a backup that exists, or whose folder does not.

    Raises:
        InputError: names the target.
    """
    if os.path.lexists(target):
        raise InputError(f"FILE must be a new file, got {target}, which exists")
    if not target.parent.is_dir():
        raise InputError(f"FILE must be in a folder that exists, got {target}")


def new_backup(database: Path, folder: Path) -> Path:
    """Return a path with the time for a backup of a store; it does not exist."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
    return folder / f"{database.stem}-{stamp}{database.suffix}"


def require_space_for_copy(path: Path, folder: Path) -> None:
    """Refuse to copy a file into a folder whose disk has no space for it.

    Raises:
        ResourceError: names the folder, the space that is needed and what is free.
    """
    require_space(folder, path.stat().st_size, f"for a copy of {path.name}")


def _claim(target: Path) -> None:
    """Create the target, unless another process did so meanwhile."""
    try:
        with naming(target):
            target.open("xb").close()
    except FileExistsError:
        refuse_existing(target)


def _verify(copy: sqlite3.Connection, target: Path) -> None:
    (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise StoreError(
            f"{target} must pass SQLite's check, got {found}; the store is damaged: `ablab sync "
            "--rebuild` recreates it from the trials"
        )

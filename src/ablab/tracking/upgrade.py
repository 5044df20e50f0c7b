"""``ablab sync --upgrade``: an older SQLite store gets the schema of the installed MLflow.

The upgrade works on a copy, which replaces the store in one step.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from ablab.errors import StoreError
from ablab.tracking.address import Address, locate, sqlite_uri
from ablab.tracking.backup import BACKUPS, new_backup, require_space_for_copy
from ablab.tracking.database import connect, use_write_ahead_log
from ablab.tracking.files import sync_folder
from ablab.tracking.lab import Lab
from ablab.tracking.schema import check_schema, known_schemas, schema_version
from ablab.tracking.store import claim_store, exclusive, preload
from ablab.tracking.store_errors import StoreUnavailableError, translate_errors

_COUNTED = ("experiments", "runs", "metrics", "params", "tags")
_FILES = ("", "-journal", "-wal", "-shm")


def upgrade_store(lab: Lab) -> tuple[Path, Path | None]:
    """Upgrade the SQLite store of a lab to the schema of the installed MLflow, after a backup.

    Returns:
        The store's file, and the backup, None if its schema is that of the installed MLflow.

    Raises:
        StoreError: it is newer, in use, missing or no SQLite file; it is unchanged.
    """
    address = locate(lab.root)
    if address.database is None or not address.database.is_file():
        raise StoreError(
            f"--upgrade must be given for a SQLite store that exists, got {address.display}; "
            "whoever runs a server upgrades its database by `mlflow db upgrade`"
        )
    preload()
    claim_store(address)
    with translate_errors(address), exclusive(address):
        return address.database, _upgrade(address, lab.root / BACKUPS)


def _upgrade(address: Address, backups: Path) -> Path | None:
    """Upgrade an older SQLite store to the schema of the installed MLflow.

    The caller holds the store's lock. Until the last step, a rename, the old store is the one in
    use, so a failed or killed upgrade leaves it as it was.

    Args:
        address: the store.
        backups: the folder that receives the old file.

    Returns:
        The path of the old file, or None if the schema is that of the installed MLflow already.

    Raises:
        StoreError: the store is newer, in use, or cannot be upgraded; it is unchanged.
        ResourceError: there is no space for a second copy.
    """
    path = address.database
    assert path is not None
    if schema_version(path) == known_schemas()[0]:
        return None
    if schema_version(path) not in known_schemas():
        check_schema(address)
    require_space_for_copy(path, path.parent)
    backup = new_backup(path, backups)
    partial = path.with_name(f".{path.name}.upgrade")
    _remove(partial)
    try:
        with _alone(address, path):
            _copy(path, partial)
            _upgrade_copy(address, partial)
            _keep(path, backup)
            shutil.copymode(path, partial)
            partial.replace(path)
            sync_folder(path.parent)
    finally:
        _remove(partial)
    return backup


def _upgrade_copy(address: Address, partial: Path) -> None:
    before = _counts(partial)
    utils, sqlalchemy = import_module("mlflow.store.db.utils"), import_module("sqlalchemy")
    engine: Any = sqlalchemy.create_engine(sqlite_uri(partial), poolclass=sqlalchemy.pool.NullPool)
    try:
        utils._upgrade_db(engine)
    except Exception as error:  # a migration may raise anything
        text = " ".join(str(error).split()).partition(" [SQL")[0]
        raise StoreError(
            f"{address.display} must accept MLflow's migrations, got: {text[:200]}; the store is "
            "unchanged, and the MLflow that wrote it can still read it"
        ) from error
    finally:
        engine.dispose()
    if (after := _counts(partial)) != before:
        raise StoreError(
            f"{address.display} must keep all its rows, got {after} after the upgrade and "
            f"{before} before; the store is unchanged"
        )
    use_write_ahead_log(partial)


@contextmanager
def _alone(address: Address, path: Path) -> Iterator[None]:
    """Keep every other process from writing to the store, and merge its write-ahead log.

    SQLite leaves the write-ahead log only if nobody else has the file open.
    """
    with translate_errors(address), closing(connect(path)) as database:
        (mode,) = database.execute("PRAGMA journal_mode").fetchone()
        try:
            database.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise StoreUnavailableError(
                f"{address.display} must be free for an upgrade, got one that another process has "
                "open; end it (an MLflow server, an older ablab), then repeat the command"
            ) from error
        try:
            database.execute("BEGIN IMMEDIATE")
            yield
        except BaseException:
            database.rollback()
            with suppress(sqlite3.Error):
                database.execute(f"PRAGMA journal_mode={mode}")
            raise


def _keep(path: Path, backup: Path) -> None:
    """Give the old file a second name; it is complete without its write-ahead log."""
    backup.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, backup)
    except OSError:  # a filesystem without links
        _copy(path, backup)
    sync_folder(backup.parent)


def _copy(path: Path, target: Path) -> None:
    """Copy a store that this process has locked.

    Plain reading would end with a close of the file, which releases all POSIX locks on it.
    """
    with closing(connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _remove(partial: Path) -> None:
    for ending in _FILES:
        partial.with_name(partial.name + ending).unlink(missing_ok=True)


def _counts(path: Path) -> dict[str, int]:
    with closing(connect(path)) as database:
        query = "SELECT count(*) FROM "
        return {table: database.execute(query + table).fetchone()[0] for table in _COUNTED}

"""The SQLite file of a store: created atomically, corrected after a move, set aside.

Only `create` opens it through MLflow; callers hold the store's lock.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ablab.tracking.address import sqlite_uri
from ablab.tracking.files import sync_folder

_BUSY_SECONDS = 5.0

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = {"9p", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs"}
_NETWORK |= {"nfs", "nfs4", "orangefs", "smb3", "smbfs", "virtiofs", "fuse.sshfs", "fuse.glusterfs"}
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def create(path: Path, artifacts: Path) -> str | None:
    """Create a store beside ``path`` and rename it to ``path``.

    It gets a write-ahead log, which doubles the throughput of several writers, except on a network
    filesystem, where a write-ahead log corrupts the database.

    Args:
        path: of the file.
        artifacts: the folder that its artifact addresses start with.

    Returns:
        A message for the user, or None.
    """
    mlflow: Any = import_module("mlflow.store.tracking.sqlalchemy_store")
    partial = path.with_name(f".{path.name}.new")
    for left in path.parent.glob(f"{partial.name}*"):
        left.unlink()
    with _without_flushes(partial):
        mlflow.SqlAlchemyStore(sqlite_uri(partial), artifacts.as_uri()).engine.dispose()
    with partial.open("rb+") as stream:
        os.fsync(stream.fileno())
    network = network_filesystem(path)
    use_write_ahead_log(partial)
    partial.replace(path)
    sync_folder(path.parent)
    return (
        None
        if network is None
        else (
            f"{path} is on a network filesystem ({network}), where SQLite is slow and several "
            "machines must not write at once: move the lab to a local disk (ABLAB_HOME), or set "
            "MLFLOW_TRACKING_URI to an MLflow server with Postgres"
        )
    )


@contextmanager
def _without_flushes(path: Path) -> Iterator[None]:
    """Let MLflow's connections to a file leave it to the system when to write to the disk.

    It creates the tables in 70 steps, each of which otherwise waits for the disk several times. The
    file gets its name only after that.
    """
    event: Any = import_module("sqlalchemy.event")
    engines: Any = import_module("sqlalchemy.engine").Engine

    def set_up(connection: sqlite3.Connection, record: object) -> None:
        ((_, _, file),) = connection.execute("PRAGMA database_list").fetchall()
        if file and Path(file).name == path.name:  # SQLite has resolved the folder's links
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA journal_mode=MEMORY")

    event.listen(engines, "connect", set_up)
    try:
        yield
    finally:
        event.remove(engines, "connect", set_up)


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing SQLite file to read and write; a missing one is never created."""
    uri = f"file:{quote(os.fsencode(path))}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)


def check(path: Path, *, to_write: bool = True) -> None:
    """Raise SQLite's error for a file that is not an MLflow store, or that is locked.

    MLflow itself would retry for long, and would fill an empty file with tables.

    Args:
        path: of the file.
        to_write: whether it must be writable now.

    Raises:
        sqlite3.Error: it cannot be used now.
    """
    with closing(connect(path)) as database:
        database.execute("BEGIN IMMEDIATE" if to_write else "BEGIN")
        if database.execute("SELECT version_num FROM alembic_version").fetchone() is None:
            raise sqlite3.DatabaseError("no version of its schema")
        database.rollback()


def use_write_ahead_log(path: Path) -> None:
    """Give a store a write-ahead log, except on a network filesystem.

    A store that another process has open stays as it is until the next time.
    """
    if network_filesystem(path) is not None:
        return
    with closing(connect(path)) as database, suppress(sqlite3.OperationalError):
        (mode,) = database.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            database.execute("PRAGMA busy_timeout=100")
            database.execute("PRAGMA journal_mode=WAL")


def correct_addresses(path: Path, artifacts: Path) -> str | None:
    """Correct the artifact addresses of a store that was moved with its lab.

    The store's first experiment shows where its artifacts were when it was created.

    Returns:
        A message for the user, or None if nothing was corrected.
    """
    new = artifacts.as_uri()
    with closing(connect(path)) as database, database:
        query = "SELECT artifact_location FROM experiments WHERE experiment_id = 0"
        old = (database.execute(query).fetchone() or (new,))[0].removesuffix("/0")
        if old == new:
            return None
        for table, column in _ADDRESSES:
            has = "SELECT 1 FROM pragma_table_info(?) WHERE name = ?"
            if database.execute(has, (table, column)).fetchone() is None:
                continue  # a store of an older MLflow, which `Store.open` names
            database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE substr({column}, 1, ?) = ?",
                (new, len(old) + 1, len(old) + 1, f"{old}/"),
            )
    return (
        f"the lab was moved: the artifact addresses in {path.name} now start with {new}, not {old}"
    )


def set_aside(path: Path) -> Path | None:
    """Rename a store, its write-ahead log included, to a name with the time.

    Returns:
        The new path, or None if there was no store.
    """
    if not os.path.lexists(path):
        return None
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.stem}-{stamp}{path.suffix}")
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if os.path.lexists(part):
            part.rename(aside.with_name(aside.name + ending))
    return aside


def network_filesystem(path: Path) -> str | None:
    """Return the type of the network filesystem of ``path``.

    None if it is a local one, or unknown (outside Linux).
    """
    if not _MOUNTS.exists():
        return None
    path, nearest = path.resolve(), (-1, "")
    for line in _MOUNTS.read_text("utf-8", "replace").splitlines():
        _, point, kind, *_ = line.split(" ")
        mount = Path(point.encode().decode("unicode_escape"))
        if path.is_relative_to(mount):
            nearest = max(nearest, (len(mount.parts), kind))
    return nearest[1] if nearest[1] in _NETWORK else None

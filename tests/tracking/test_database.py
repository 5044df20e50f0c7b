"""The SQLite file of a new store is written without waiting for the disk, and only that."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, text

from ablab.tracking.address import sqlite_uri
from ablab.tracking.database import _without_flushes, create


def synchronous(path: Path) -> int:
    engine = create_engine(sqlite_uri(path))
    with engine.connect() as connection:
        value = connection.execute(text("PRAGMA synchronous")).scalar_one()
    engine.dispose()
    return int(value)


def test_only_connections_to_the_new_file_do_not_wait_for_the_disk(tmp_path: Path):
    new, other = tmp_path / "new.db", tmp_path / "other.db"
    with _without_flushes(new):
        assert synchronous(new) == 0
        assert synchronous(other) == 2
    assert synchronous(new) == 2


def test_a_new_store_is_whole_and_has_a_write_ahead_log(tmp_path: Path):
    path = tmp_path / "mlflow.db"
    create(path, tmp_path / "artifacts")
    assert [each.name for each in tmp_path.iterdir()] == ["mlflow.db"]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("SELECT artifact_location FROM experiments").fetchall() == [
            (f"{(tmp_path / 'artifacts').as_uri()}/0",)
        ]

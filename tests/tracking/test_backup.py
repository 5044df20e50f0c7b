"""``ablab backup``: a whole and consistent copy, and nothing is overwritten."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from test_sync import content

from ablab.cli import main
from ablab.errors import InputError, ResourceError, StoreError
from ablab.tracking.address import DATABASE
from ablab.tracking.backup import back_up, back_up_store
from ablab.tracking.database import connect
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.sync import SyncResult, sync


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.tracking.artifacts.draw", lambda *_: [])


def test_a_backup_has_what_is_in_the_write_ahead_log(
    lab: Lab, store: Store, make_finished: Callable[..., Run], tmp_path: Path
) -> None:
    make_finished()
    sync(lab, store)
    assert (lab.root / f"{DATABASE}-wal").stat().st_size > 0
    before = content(store)
    target, size = back_up_store(lab, tmp_path / "saved.db")
    assert size == target.stat().st_size
    assert [file.name for file in tmp_path.glob("saved*")] == ["saved.db"]
    assert content(Store.open(lab, f"sqlite:///{target}")) == before


def test_a_restored_backup_is_the_labs_store_with_a_write_ahead_log(
    lab: Lab, store: Store, make_finished: Callable[..., Run]
) -> None:
    make_finished()
    sync(lab, store)
    before = content(store)
    target, _ = back_up_store(lab, None)
    assert target.parent == lab.root / "backups"
    store.close()
    assert store.database is not None
    target.replace(store.database)
    restored = Store.open(lab)
    assert content(restored) == before
    assert sync(lab, restored) == SyncResult(complete=1)
    assert (lab.root / f"{DATABASE}-wal").exists()


def test_a_backup_is_consistent_while_others_write(store: Store, tmp_path: Path) -> None:
    """Each transaction writes two rows: a torn copy would hold an odd number."""
    assert store.database is not None
    path, stop = store.database, threading.Event()
    with closing(connect(path)) as database, database:
        database.execute("CREATE TABLE pairs (n INTEGER, filler TEXT)")
    written = []

    def write() -> None:
        with closing(connect(path)) as database:
            while not stop.is_set():
                with database:
                    for _ in range(2):
                        row = (len(written), "x" * 5000)
                        database.execute("INSERT INTO pairs VALUES (?, ?)", row)
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = []
        for number in range(20):
            target = tmp_path / f"{number}.db"
            back_up(path, target)
            with closing(sqlite3.connect(target)) as copy:
                counts.append(copy.execute("SELECT count(*) FROM pairs").fetchone()[0])
    finally:
        stop.set()
        writer.join()
    assert written
    assert [count % 2 for count in counts] == [0] * 20
    assert counts == sorted(counts)


@pytest.mark.parametrize("kind", ["file", "folder", "broken link"])
def test_an_existing_target_is_refused(store: Store, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "saved.db"
    if kind == "file":
        target.write_bytes(b"mine")
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to("nowhere")
    with pytest.raises(InputError, match=r"FILE must be a new file, got .*saved.db, which exists"):
        back_up_store(store.lab, target)
    assert os.path.lexists(target)
    assert kind != "file" or target.read_bytes() == b"mine"


def test_a_target_without_a_folder_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FILE must be in a folder that exists"):
        back_up_store(store.lab, tmp_path / "missing" / "saved.db")


def test_a_full_disk_is_named_before_anything_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 10

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Full)
    with pytest.raises(ResourceError, match=r"MB for a copy of mlflow.db, 200 MB to stay free"):
        back_up_store(store.lab, tmp_path / "saved.db")
    assert not list(tmp_path.glob("*saved*"))


def test_a_damaged_store_is_not_backed_up(lab: Lab, tmp_path: Path) -> None:
    (lab.root / DATABASE).write_bytes(b"no database" * 99)
    with pytest.raises(StoreError, match=r"must be an MLflow store.*--rebuild"):
        back_up_store(lab, tmp_path / "saved.db")
    assert not list(tmp_path.glob("*saved*"))


def test_a_server_is_refused_with_the_remedy(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@localhost:1")
    with pytest.raises(StoreError, match=r"got http://localhost:1; .*pg_dump") as refused:
        back_up_store(lab, None)
    assert "secret" not in str(refused.value)


def test_the_command_prints_the_path(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "saved.db"
    assert main(["backup", str(target)]) == 0
    assert capsys.readouterr().out.startswith(f"{target} holds all runs")
    assert main(["backup", str(target)]) == 2
    assert "which exists" in capsys.readouterr().err

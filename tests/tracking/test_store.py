"""The store: created once, corrected after a move, refused with a remedy, unavailable at once."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from recorded import begin, finish

from ablab.errors import StoreError
from ablab.tracking import database
from ablab.tracking.address import DATABASE, local_folder
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.mlflow_runs import get_run
from ablab.tracking.run import Run
from ablab.tracking.store import Store

OPEN = (
    "import sys; from pathlib import Path; from ablab.tracking.lab import Lab;"
    "from ablab.tracking.store import Store;"
    "print(Store.open(Lab.open(Path(sys.argv[1]))).experiment('activations'))"
)

# Processes with all imports done, as a sweep's trials, open their store at the same time.
RACE = """
import multiprocessing, sys
from pathlib import Path
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store, preload

def open_store(root, start, answers):
    start.wait()
    store = Store.open(Lab.open(root))
    answers.put(store.experiment("activations"))
    store.close()

preload()
fork = multiprocessing.get_context("fork")
for root in sys.argv[1:]:
    start, answers = fork.Barrier(8), fork.SimpleQueue()
    arguments = Path(root), start, answers
    processes = [fork.Process(target=open_store, args=arguments) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        print(process.exitcode, answers.get() if process.exitcode == 0 else "")
"""


def journal_mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_a_new_store_has_a_write_ahead_log_and_no_temporary_file(template: Path) -> None:
    assert journal_mode(template) == "wal"
    assert not list(template.parent.glob(f".{DATABASE}.new*"))


def test_the_temporary_file_of_a_killed_process_is_replaced(lab: Lab) -> None:
    (lab.root / f".{DATABASE}.new").write_bytes(b"half a store")
    assert Store.open(lab).experiment("trials")


def test_a_process_merges_the_write_ahead_log_at_its_end(lab: Lab) -> None:
    without_gc = f"import atexit, gc; atexit.register(gc.freeze); {OPEN}"
    subprocess.run([sys.executable, "-c", without_gc, str(lab.root)], check=True)
    assert [file.name for file in lab.root.glob(f"{DATABASE}*")] == [DATABASE]


def test_a_store_on_a_network_filesystem_has_no_write_ahead_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"root / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    store = Store.open(Lab.open(tmp_path / "lab"))
    store.close()
    assert journal_mode(tmp_path / "lab" / DATABASE) != "wal"
    assert "nfs4" in store.notices[0]
    assert "MLFLOW_TRACKING_URI" in store.notices[0]


def test_the_nearest_mount_has_the_filesystem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "server:/ / nfs rw 0 0\n"
        f"/dev/a {tmp_path} ext4 rw 0 0\n"
        f"server:/b {tmp_path}/a\\040space fuse.sshfs rw 0 0\n"
    )
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    assert database.network_filesystem(tmp_path / "lab") is None
    assert database.network_filesystem(tmp_path / "a space" / "lab") == "fuse.sshfs"
    assert database.network_filesystem(tmp_path.parent) == "nfs"


def test_addresses_of_a_moved_lab_are_corrected_with_a_notice(
    store: Store, make_finished: Callable[..., Run], tmp_path: Path
) -> None:
    run = make_finished()
    run_id = deliver(run, store, "activations", name="n", tags={}).run_id
    store.close()
    moved = Lab(tmp_path / "an other" / "lab")
    moved.root.parent.mkdir()
    store.lab.root.rename(moved.root)
    opened = Store.open(moved)
    assert "moved" in opened.notices[0]
    folder = local_folder(opened.client.get_run(run_id).info.artifact_uri)
    assert folder is not None
    assert folder.is_relative_to(moved.root)
    assert (folder / "config.yaml").is_file()
    assert "config.yaml" in {item.path for item in opened.client.list_artifacts(run_id)}
    again = deliver(moved.runs(run.key)[0], opened, "activations", name="n", tags={})
    assert again.run_id == run_id
    other = deliver(begin(moved, key="k2"), opened, "activations", name="n", tags={})
    uri = opened.client.get_run(other.run_id).info.artifact_uri
    assert (local_folder(uri) or Path()).is_relative_to(moved.root)
    assert not Store.open(moved).notices


def test_a_copied_lab_and_its_original_are_apart(
    store: Store, make_finished: Callable[..., Run], tmp_path: Path
) -> None:
    run = make_finished()
    first = deliver(run, store, "activations", name="n", tags={})
    copy = Lab(tmp_path / "copy")
    shutil.copytree(store.lab.root, copy.root)  # the write-ahead log too, while it is open
    opened = Store.open(copy)
    folder = local_folder(opened.client.get_run(first.run_id).info.artifact_uri)
    assert folder is not None
    assert folder.is_relative_to(copy.root)
    new = begin(copy, key="k2")
    finish(new)
    copied = deliver(new, opened, "activations", name="n", tags={})
    assert get_run(opened, str(copied.run_id)) is not None
    assert get_run(store, str(copied.run_id)) is None
    original = local_folder(store.client.get_run(first.run_id).info.artifact_uri)
    assert original is not None
    assert original.is_relative_to(store.lab.root)
    assert deliver(run, store, "activations", name="n", tags={}) == first


def test_a_store_of_another_schema_is_refused_with_the_remedy(store: Store) -> None:
    store.close()
    assert store.database is not None
    other = store.database.with_name("other.db")
    shutil.copy(store.database, other)
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'before'")
    with pytest.raises(
        StoreError, match=r"other.db must have the schema.*got before, that of a newer MLflow"
    ):
        Store.open(store.lab, f"sqlite:///{other}")


def test_a_file_that_is_not_a_store_is_refused(lab: Lab) -> None:
    (lab.root / DATABASE).write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match=r"mlflow.db must be an MLflow store.*--rebuild"):
        Store.open(lab)


def test_the_users_uri_is_used(
    lab: Lab, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "team").mkdir()
    shutil.copy(template, tmp_path / "team" / "runs.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/team/runs.db")
    store = Store.open(lab)
    run_id = deliver(begin(lab), store, "trials", name="n", tags={}).run_id
    folder = local_folder(store.client.get_run(run_id).info.artifact_uri)
    assert not (lab.root / DATABASE).exists()
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "team")


def test_the_label_has_no_password(lab: Lab) -> None:
    store = Store.open(lab, "http://me:secret@localhost:1")
    assert store.label == "http://localhost:1"


def test_a_dead_server_is_named(lab: Lab, make_finished: Callable[..., Run]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    store = Store.open(lab, f"http://127.0.0.1:{port}")
    with pytest.raises(StoreError, match=f"127.0.0.1:{port} must answer"):
        deliver(make_finished(), store, "trials", name="n", tags={})


def test_importing_delivery_does_not_import_mlflow() -> None:
    code = (
        "import sys, ablab.tracking.delivery;"
        "print({'mlflow', 'matplotlib', 'torch', 'sqlalchemy'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "set()\n"


def test_opening_prints_nothing_and_sends_no_telemetry(tmp_path: Path) -> None:
    code = OPEN + ";import os, threading; print(os.environ['MLFLOW_DISABLE_TELEMETRY'], "
    code += "[t.name for t in threading.enumerate()])"
    bare = {n: v for n, v in os.environ.items() if n not in ("CI", "PYTEST_CURRENT_TEST")}
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "lab")],
        capture_output=True,
        text=True,
        check=True,
        env=bare,
    )
    assert out.stderr == ""
    assert out.stdout == "1\ntrue ['MainThread']\n"


def assert_usable(lab: Lab) -> None:
    run = begin(lab, epochs=1)
    finish(run)
    assert deliver(run, Store.open(lab), "activations", name="n", tags={}).complete


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(int(os.environ.get("ABLAB_ROUNDS", "1"))))
def test_six_new_processes_open_a_new_store_at_once(tmp_path: Path, round_: int) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path / "lab")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    answers = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert answers == ["1\n"] * 6
    assert_usable(Lab(tmp_path / "lab"))


@pytest.mark.slow
def test_eight_forked_processes_open_a_new_store_at_once(tmp_path: Path) -> None:
    labs = [tmp_path / f"lab{number}" for number in range(4)]
    command = [sys.executable, "-c", RACE, *map(str, labs)]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert out.splitlines() == ["0 1"] * 8 * len(labs)
    for root in labs:
        assert_usable(Lab(root))

"""`ablab doctor` says what is wrong and what to do; it changes nothing unless asked."""

import gzip
import json
import os
import shutil
import socket
import sqlite3
import time
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from ablab.catalogue import doctor
from ablab.catalogue.doctor import Diagnosis, examine
from ablab.cli import main
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.data import cache
from ablab.folders import cache_folder
from ablab.model import build
from ablab.tracking.completion import Completion, describe, write_completion
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.leftovers import lock_notes
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.sync import sync

DEAD = 4_000_000  # above the largest process id of Linux by default
HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"


@pytest.fixture(autouse=True)
def _own_tmpdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def make_run(lab: Lab, *, finished: bool = True, key: str = "a1b2") -> Run:
    run = lab.new_run({"key": key, "config": {"seed": 0}, "choices": {}, "data_hash": "d"})
    journal = Journal(run.journal)
    journal.append(Entry("attempt", 1e9))
    journal.append(Entry("epoch", 1e9 + 1, 0, {"val/accuracy": 0.5}))
    if finished:
        files = describe(run.folder, ["trial.json", "journal.jsonl"])
        record = Completion(key, run.number, "finished", 1e9, {"test/accuracy": 0.5}, {}, {}, files)
        write_completion(run.folder, record)
    return run


def subjects(diagnosis: Diagnosis) -> list[str]:
    return [each.problem.subject for each in diagnosis.found]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_a_lab_in_order_has_no_problem_and_is_not_changed(lab: Lab) -> None:
    make_run(lab)
    before = contents(lab.root)
    diagnosis = examine(lab, fix=True)
    assert subjects(diagnosis) == []
    (note,) = diagnosis.notes
    assert note == "1 finished run is not in MLflow yet: `ablab sync` delivers them"
    assert contents(lab.root) == before


def test_a_lab_that_does_not_exist_is_not_created(tmp_path: Path) -> None:
    assert subjects(examine(Lab(tmp_path / "none"), fix=True)) == []
    assert not (tmp_path / "none").exists()


def test_what_killed_processes_left_is_named_and_only_that_is_removed(
    lab: Lab, tmp_path: Path
) -> None:
    run = make_run(lab)
    left = [
        run.folder / f".trial.json.{HOST}-{DEAD}",
        lab.root / f".lab.json.{HOST}-{DEAD}",
        tmp_path / "tmp" / f"ablab-{HOST}-{DEAD}-abc",
        run.folder.parent / "002",
        cache_folder() / "digits" / "abc.new",
    ]
    kept = [
        run.folder / f".trial.json.{HOST}-{os.getpid()}",
        lab.root / f".lab.json.00000000-{DEAD}",  # of another machine, a moment ago
        lab.root / ".notes.1",
        lab.root / "notes.txt",
        tmp_path / "tmp" / f"ablab-{HOST}-{os.getpid()}-abc",
        cache_folder() / "digits" / "held.new",
    ]
    for path in (*left, *kept):
        if path.suffix == ".new" or path.name.endswith("-abc") or path.name == "002":
            path.mkdir(parents=True)
        else:
            path.write_text("x")
    with FileLock(cache_folder() / "digits" / "held.lock"):
        before = contents(lab.root)
        diagnosis = examine(lab)
        assert subjects(diagnosis) == ["leftover"] * 4
        assert contents(lab.root) == before
        text = "\n".join(each.problem.text for each in diagnosis.found)
        assert all(str(path) in text for path in left)
        assert not any(str(path) in text for path in kept)
        fixed = examine(lab, fix=True)
    assert fixed.num_left == 0
    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    assert run.completion is not None


def test_a_damaged_store_is_recreated_and_the_old_one_kept(lab: Lab) -> None:
    make_run(lab)
    database = lab.root / "mlflow.db"
    database.write_bytes(b"no database")
    diagnosis = examine(lab)
    assert subjects(diagnosis) == ["store"]
    assert "must be an MLflow store" in diagnosis.found[0].problem.text
    assert database.read_bytes() == b"no database"
    (finding,) = examine(lab, fix=True).found
    assert finding.is_solved
    (old,) = lab.root.glob("mlflow-*.db")
    assert old.read_bytes() == b"no database"
    assert str(old) in finding.done
    with closing(sqlite3.connect(database)) as store:
        assert store.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_damaged_pages_of_a_store_are_found(lab: Lab) -> None:
    for number in range(3):
        make_run(lab, key=f"k{number}")
    store = Store.open(lab)
    sync(lab, store)
    store.close()
    assert subjects(examine(lab)) == []
    with (lab.root / "mlflow.db").open("r+b") as stream:
        size = stream.seek(0, 2)
        stream.seek(size // 2)
        stream.write(os.urandom(16384))
    diagnosis = examine(lab)
    assert subjects(diagnosis) == ["store"]
    assert diagnosis.found[0].problem.fix is not None


def test_a_store_of_another_schema_is_left_to_the_user(lab: Lab) -> None:
    Store.open(lab).close()
    with closing(sqlite3.connect(lab.root / "mlflow.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    before = (lab.root / "mlflow.db").read_bytes()
    (finding,) = examine(lab, fix=True).found
    assert "must have the schema of the installed MLflow" in finding.problem.text
    assert not finding.is_solved
    assert (lab.root / "mlflow.db").read_bytes() == before


def test_no_store_is_recreated_while_trials_run(lab: Lab) -> None:
    run = make_run(lab, finished=False)
    (lab.root / "mlflow.db").write_bytes(b"no database")
    with run.lock():
        (finding,) = examine(lab, fix=True).found
        assert "trials are running" in finding.done
        assert not finding.is_solved
    assert (lab.root / "mlflow.db").read_bytes() == b"no database"


def test_runs_that_only_mlflow_shows_as_running_are_delivered(lab: Lab) -> None:
    run = make_run(lab, finished=False)
    store = Store.open(lab)
    with run.lock():
        sync(lab, store)
        assert subjects(examine(lab)) == []
        assert "is being trained by " in "".join(examine(lab).notes)
    store.close()
    assert subjects(examine(lab)) == ["store"]
    (finding,) = examine(lab, fix=True).found
    assert "shown as running in MLflow, though the process has ended" in finding.problem.text
    assert finding.is_solved


def test_a_process_that_writes_nothing_for_a_day_is_named(lab: Lab) -> None:
    run = make_run(lab, finished=False)
    with run.lock():
        long_ago = time.time() - 30 * 3600
        for path in run.folder.iterdir():
            os.utime(path, (long_ago, long_ago))
        (finding,) = examine(lab, fix=True).found
        assert "which has written nothing for 30 hours" in finding.problem.text
        assert not finding.is_solved


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="Linux alone lists locks")
def test_the_process_that_holds_a_run_is_named(lab: Lab) -> None:
    run = make_run(lab, finished=False)
    with run.lock():
        notes = (note for _ in range(20) for note in lock_notes(lab))
        expected = f"run a1b2/001 is being trained by process {os.getpid()}"
        assert any(note == expected for note in notes)
    assert list(lock_notes(lab)) == []


def test_damaged_records_are_named_and_stay(lab: Lab) -> None:
    run = make_run(lab)
    (run.folder / "trial.json").write_text("{}")
    (finding,) = examine(lab, fix=True).found
    assert finding.problem.subject == "damaged"
    assert str(run.folder / "trial.json") in finding.problem.text
    assert (run.folder / "trial.json").read_text() == "{}"


def test_flipped_weights_are_found_only_by_a_thorough_look(lab: Lab) -> None:
    run = make_run(lab, finished=False)
    weights = run.folder / "best.safetensors"
    weights.write_bytes(b"weights")
    files = describe(run.folder, ["best.safetensors"])
    write_completion(
        run.folder, Completion(run.key, run.number, "finished", 1e9, {}, {}, {}, files)
    )
    weights.write_bytes(b"weighty")
    assert subjects(examine(lab)) == []
    (finding,) = examine(lab, thorough=True).found
    assert str(weights) in finding.problem.text


def test_present_data_are_verified_and_absent_ones_are_no_fault(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLAB_DATA", str(tmp_path / "data"))
    assert subjects(examine(lab)) == []
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"no labels"))
    found = examine(lab, fix=True).found
    assert {each.problem.subject for each in found} == {"data"}
    assert len(found) == 4
    assert all("ablab data fetch mnist" in each.problem.text for each in found)
    assert [path.name for path in folder.iterdir()] == ["t10k-labels-idx1-ubyte.gz"]


def test_a_changed_cache_entry_is_removed_and_recreated(lab: Lab) -> None:
    (array,) = cache_folder().glob("digits/*/train_images.npy")
    state, content = array.stat(), bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    os.utime(array, ns=(state.st_atime_ns, state.st_mtime_ns))  # trials then trust it
    assert subjects(examine(lab)) == ["cache"]
    (finding,) = examine(lab, fix=True).found
    assert finding.is_solved
    assert not array.exists()
    build.datamodule(resolve(compose(["dataset=digits"])).config).setup("fit")
    assert list(cache.changed_entries()) == []


def test_a_full_disk_and_a_read_only_lab_are_named(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(lab.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5_000_000))
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    texts = [each.problem.text for each in examine(lab, fix=True).found]
    assert f"free disk space must be at least 200 MB at {lab.root}, got 5.0 MB" in texts[0]
    assert f"{lab.root} must be a folder that you can write to" in texts[1]


def test_a_server_that_does_not_answer_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{sock.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        (finding,) = examine(lab).found
    assert "must answer, got" in finding.problem.text


def test_the_command_has_an_exit_code_and_json(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    left = lab.root / f".lab.json.{HOST}-{DEAD}"
    left.write_text("x")
    assert main(["doctor"]) == 1
    assert "1 problem; `ablab doctor --fix` solves 1 of them" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["machine"]["lab"] == str(lab.root)
    (problem,) = content["problems"]
    assert (problem["subject"], problem["fixable"], problem["fixed"]) == ("leftover", True, False)
    assert left.exists()
    assert main(["doctor", "--fix"]) == 0
    output = capsys.readouterr().out
    assert "removed 1 temporary file of killed processes" in output
    assert output.splitlines()[-1] == "Nothing is wrong any more."
    assert not left.exists()

"""Atomic writes, and the temporary files of killed processes."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ablab.errors import InputError
from ablab.tracking.files import (
    is_abandoned,
    is_alive,
    mark,
    read_json,
    replacing,
    temporary_folder,
    write_atomic,
)


@pytest.fixture
def ended() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_atomic(tmp_path / "a", "old")

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            write_atomic(tmp_path / "a", "new")
    assert caught.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_failed_block_leaves_the_old_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")

    def fail() -> None:
        with replacing(tmp_path / "a") as partial:
            partial.write_text("new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert os.listdir(tmp_path) == ["a"]


def test_next_write_removes_files_of_ended_processes_and_nothing_else(
    tmp_path: Path, ended: int
) -> None:
    host = mark().partition("-")[0]
    removed = [f".environment.json.{ended}", f".part-001.json.{host}-{ended}"]
    kept = [
        f".environment.json.{os.getpid()}",
        f".a.b.{host}-{os.getppid()}",
        f".a.00000000-{ended}",  # another machine's
        f"a.{host}-{ended}",
        ".hidden",
        f".{ended}",
    ]
    for name in (*removed, *kept):
        (tmp_path / name).touch()
    write_atomic(tmp_path / "a", "x")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "a"])


def test_files_are_abandoned_after_a_day_whoever_wrote_them(ended: int) -> None:
    now = time.time()
    assert is_abandoned(str(ended), now)
    assert not is_abandoned(mark(), now)
    assert not is_abandoned(f"00000000-{ended}", now)
    assert is_abandoned(f"00000000-{ended}", now - 90_000)
    assert is_abandoned(mark(), now - 90_000)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="Linux tells when a process started")
def test_process_id_that_is_used_again_is_another_process() -> None:
    host, pid, ticks = mark().split("-")
    assert is_abandoned(f"{host}-{pid}-{int(ticks) - 1}", time.time())
    assert not is_abandoned(f"{host}-{pid}", time.time())  # as 0.1 wrote it


def test_process_of_which_the_system_tells_nothing_may_live(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = mark()
    monkeypatch.setattr("ablab.tracking.files._status", lambda pid: [])
    assert is_alive(os.getpid())
    assert not is_abandoned(owner, time.time())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="Linux tells the state of a process")
def test_process_that_nobody_waits_for_has_ended() -> None:
    process = subprocess.Popen(["true"])
    deadline = time.monotonic() + 60
    while is_alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(process.pid)
    os.kill(process.pid, 0)  # it still has its id
    process.wait()


def test_temporary_folders_of_ended_processes_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: int
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    host = mark().partition("-")[0]
    for name in (f"ablab-{host}-{ended}-x1", f"ablab-{mark()}-x2", "ablab-mine"):
        (tmp_path / name / "deep").mkdir(parents=True)
    with temporary_folder() as folder:
        assert folder.parent == tmp_path
        assert (tmp_path / f"ablab-{mark()}-x2").is_dir()
        assert not (tmp_path / f"ablab-{host}-{ended}-x1").exists()
    assert sorted(os.listdir(tmp_path)) == sorted([f"ablab-{mark()}-x2", "ablab-mine"])


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b"[" * 100_000], ids=["torn", "bytes", "deep"]
)
def test_damaged_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json must be JSON"):
        read_json(tmp_path / "a.json")
    assert read_json(tmp_path / "b.json") is None

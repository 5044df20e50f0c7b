"""Files that are whole or absent, and what killed processes leave of them."""

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
    mark,
    read_json,
    replacing,
    temporary_folder,
    write_atomic,
)


@pytest.fixture
def dead() -> int:
    """The number of a process that is no more."""
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


def test_replacement_that_is_given_up_leaves_the_old_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")

    def give_up() -> None:
        with replacing(tmp_path / "a") as partial:
            partial.write_text("new")
            raise KeyError

    with pytest.raises(KeyError):
        give_up()
    assert os.listdir(tmp_path) == ["a"]


def test_next_writer_removes_what_the_dead_left_and_nothing_else(tmp_path: Path, dead: int) -> None:
    host = mark().partition("-")[0]
    gone = [f".environment.json.{dead}", f".part-001.json.{host}-{dead}"]
    kept = [
        f".environment.json.{os.getpid()}",
        f".a.b.{host}-{os.getppid()}",
        f".a.00000000-{dead}",  # another machine's
        f"a.{host}-{dead}",
        ".hidden",
        f".{dead}",
    ]
    for name in (*gone, *kept):
        (tmp_path / name).touch()
    write_atomic(tmp_path / "a", "x")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "a"])


def test_what_is_a_day_old_is_abandoned_whoever_wrote_it(dead: int) -> None:
    now = time.time()
    assert is_abandoned(str(dead), now)
    assert not is_abandoned(mark(), now)
    assert not is_abandoned(f"00000000-{dead}", now)
    assert is_abandoned(f"00000000-{dead}", now - 90_000)
    assert is_abandoned(mark(), now - 90_000)


def test_temporary_folders_of_the_dead_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: int
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    host = mark().partition("-")[0]
    for name in (f"ablab-{host}-{dead}-x1", f"ablab-{mark()}-x2", "ablab-mine"):
        (tmp_path / name / "deep").mkdir(parents=True)
    with temporary_folder() as folder:
        assert folder.parent == tmp_path
        assert (tmp_path / f"ablab-{mark()}-x2").is_dir()
        assert not (tmp_path / f"ablab-{host}-{dead}-x1").exists()
    assert sorted(os.listdir(tmp_path)) == sorted([f"ablab-{mark()}-x2", "ablab-mine"])


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b"[" * 100_000], ids=["torn", "bytes", "deep"]
)
def test_damaged_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json must be JSON"):
        read_json(tmp_path / "a.json")
    assert read_json(tmp_path / "b.json") is None

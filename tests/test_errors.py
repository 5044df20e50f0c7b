"""What the machine lacks is told from a bug, and in one line."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from ablab import errors
from ablab.errors import EXIT_CODES, ResourceError, resource_error


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "df -i"),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EACCES, "ABLAB_HOME"),
        (errno.EPERM, "ABLAB_HOME"),
        (errno.EROFS, "ABLAB_HOME"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "ulimit -n"),
        (errno.EAGAIN, "ulimit -u"),
        (errno.ENOMEM, "free some memory"),
        (errno.ENAMETOOLONG, "shorter path"),
        (errno.EIO, "check the disk"),
        (errno.ESTALE, "check the disk"),
        (errno.ENOLCK, "locks"),
    ],
)
def test_lack_names_the_path_what_failed_and_what_to_do(number: int, remedy: str) -> None:
    lack = resource_error(OSError(number, os.strerror(number), "/x/y"))
    assert lack is not None
    assert lack.exit_code == 74
    told = str(lack)
    assert told.startswith("/x/y must ")
    assert f"got {os.strerror(number)}; " in told
    assert remedy in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP]
)
def test_change_from_outside_is_one_only_where_ours_lies(tmp_path: Path, number: int) -> None:
    inside = OSError(number, os.strerror(number), str(tmp_path / "a" / "b"))
    assert resource_error(inside) is None
    assert resource_error(inside, tmp_path / "other") is None
    lack = resource_error(inside, tmp_path / "other", tmp_path)
    assert lack is not None
    assert "put it back" in str(lack)


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), OSError("no number"), ConnectionRefusedError(errno.ECONNREFUSED, "no")],
)
def test_other_errors_are_no_lack(error: Exception) -> None:
    assert resource_error(error, Path("/")) is None


def test_lack_stays_what_it_is() -> None:
    lack = ResourceError("x must have room")
    assert resource_error(lack) is lack


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_under_numpy_is_one() -> None:
    with Path("/dev/full").open("wb") as stream, pytest.raises(OSError, match="written") as caught:
        np.arange(100_000).tofile(stream)
    assert "room" in str(resource_error(caught.value))


def test_exit_codes_are_those_of_shells_and_sysexits() -> None:
    assert EXIT_CODES.keys() == {
        0,
        1,
        2,
        os.EX_SOFTWARE,
        os.EX_IOERR,
        os.EX_TEMPFAIL,
        129,
        130,
        143,
    }


def test_only_what_a_component_refuses_is_a_plain_value_error() -> None:
    package = Path(errors.__file__).parent
    theirs = ("components", "reference", "templates")  # wrapped where they are built
    files = [p for p in package.rglob("*.py") if not set(theirs) & set(p.parts)]
    assert len(files) > 200
    assert [p.name for p in files if "raise ValueError" in p.read_text("utf-8")] == []

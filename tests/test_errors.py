"""A lack of resources is distinguished from a bug, and reported in one line."""

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
def test_message_has_the_path_the_failure_and_the_remedy(number: int, remedy: str) -> None:
    lack = resource_error(OSError(number, os.strerror(number), "/x/y"))
    assert lack is not None
    assert lack.exit_code == 74
    message = str(lack)
    assert message.startswith("/x/y must ")
    assert f"got {os.strerror(number)}; " in message
    assert remedy in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP]
)
def test_missing_file_is_a_resource_error_only_in_given_folders(
    tmp_path: Path, number: int
) -> None:
    inside = OSError(number, os.strerror(number), str(tmp_path / "a" / "b"))
    assert resource_error(inside) is None
    assert resource_error(inside, tmp_path / "other") is None
    lack = resource_error(inside, tmp_path / "other", tmp_path)
    assert lack is not None
    assert "restore it" in str(lack)


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), OSError("no number"), ConnectionRefusedError(errno.ECONNREFUSED, "no")],
)
def test_other_errors_are_no_resource_error(error: Exception) -> None:
    assert resource_error(error, Path("/")) is None


def test_resource_error_is_returned_unchanged() -> None:
    lack = ResourceError("x must have free space")
    assert resource_error(lack) is lack


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_reported_by_numpy_is_a_resource_error() -> None:
    with Path("/dev/full").open("wb") as stream, pytest.raises(OSError, match="written") as caught:
        np.arange(100_000).tofile(stream)
    assert "free space" in str(resource_error(caught.value))


def test_exit_codes_follow_shells_and_sysexits() -> None:
    assert EXIT_CODES.keys() == {
        0,
        1,
        2,
        3,  # a gate that a comparison does not pass
        os.EX_SOFTWARE,
        os.EX_IOERR,
        os.EX_TEMPFAIL,
        129,
        130,
        143,
    }


def test_only_components_raise_plain_value_errors() -> None:
    package = Path(errors.__file__).parent
    exempt = ("components", "reference", "templates")  # wrapped where they are built
    files = [p for p in package.rglob("*.py") if not set(exempt) & set(p.parts)]
    assert len(files) > 200
    assert [p.name for p in files if "raise ValueError" in p.read_text("utf-8")] == []

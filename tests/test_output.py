"""Prints never fail: closed streams, full disks, characters that the encoding lacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablab.output import open_stream, redirect_to, write_error

COMMAND = [sys.executable, "-m", "ablab", "list", "activation"]
FULL = Path("/dev/full")


def run(redirection: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run `ablab list activation` in a shell with a redirection."""
    return subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} {redirection}"],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_characters_that_the_encoding_lacks_are_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf/activation").mkdir(parents=True)
    mine = "# M\u00fcller \u2026\n_target_: torch.nn.ReLU\n"
    (tmp_path / "conf/activation/mine.yaml").write_text(mine, "utf-8")
    done = run("", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"M\\xfcller \\u2026" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&- <&-", "| head -1 >&2"])
def test_closed_stream_or_reader_is_no_error(redirection: str) -> None:
    done = run(f"{redirection}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_full_disk_at_standard_output_is_exit_code_74() -> None:
    done = run("> /dev/full")
    assert done.returncode == 74
    assert done.stderr.decode().splitlines() == [
        "ablab: standard output must be writable, got No space left on device; "
        "the output is lost, the results are kept"
    ]
    assert run("> /dev/full 2> /dev/full").returncode == 74


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_stream_keeps_its_first_error() -> None:
    descriptor = os.open(FULL, os.O_WRONLY)
    text = open_stream(descriptor)
    assert text.write("lost\n") == 5
    error = write_error(text)
    assert error is not None
    assert error.errno == 28
    text.write("lost as well\n")
    os.close(descriptor)


def test_stream_writes_all_and_leaves_its_descriptor_open() -> None:
    readable, writable = os.pipe()
    text = open_stream(writable, "latin-1")
    text.write("Gru\u00df \u2026\n")
    del text
    os.write(writable, b"open")
    os.close(writable)
    with os.fdopen(readable, "rb") as reader:
        assert reader.read() == b"Gru\xdf \\u2026\nopen"


def test_prints_are_redirected_for_the_block(tmp_path: Path) -> None:
    before = sys.stdout
    with (tmp_path / "log").open("wb") as log, redirect_to(log.fileno()):
        print("\u00e9", flush=True)
        os.write(2, b"from a library\n")
    assert sys.stdout is before
    assert (tmp_path / "log").read_text("utf-8") == "\u00e9\nfrom a library\n"

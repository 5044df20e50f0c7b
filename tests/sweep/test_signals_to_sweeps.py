"""A sweep that is asked to end does so at any moment, with everything as it must be to go on."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_sweeps import Workplace, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes under /proc"),
]
MOMENTS = 9
OVER = "The same command again", "Next: "  # the last words of a sweep


def temporary(place: Workplace) -> Path:
    """Return the temporary folder of a workplace: sockets in it need a short path."""
    link = Path(tempfile.gettempdir()) / f"t{zlib.crc32(str(place.folder).encode()):08x}"
    if not link.is_symlink():
        (place.folder / "tmp").mkdir(exist_ok=True)
        link.symlink_to(place.folder / "tmp")
    return link


def start(place: Workplace, *options: str) -> "subprocess.Popen[bytes]":
    """Start the command as a terminal does, in a session of its own."""
    command = [sys.executable, "-m", "ablab", "sweep", "mine", *options]
    with (place.folder / "said.txt").open("w") as said:
        return subprocess.Popen(
            command,
            cwd=place.folder,
            env={**os.environ, **place.settings, "TMPDIR": str(temporary(place))},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def processes_of(place: Workplace) -> list[int]:
    """Return the processes that have the workplace's lab in their environment."""
    found, mark = [], f"ABLAB_HOME={place.lab.root}".encode()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def ours_in(folder: Path) -> list[str]:
    """Return the names that we give to what is temporary; torch has a folder of its own."""
    return [path.name for path in folder.iterdir() if path.name.startswith(("pymp-", "ablab-"))]


@pytest.fixture(autouse=True)
def _no_link_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    for link in Path(tempfile.gettempdir()).glob("t????????"):
        if link.is_symlink() and tmp_path in link.readlink().parents:
            link.unlink()


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = Workplace(tmp_path / "p")
    (place.folder / "tmp").mkdir()
    return place


def said(place: Workplace) -> str:
    return (place.folder / "said.txt").read_text()


@pytest.mark.parametrize(
    ("to_all", "options"),
    [(False, ("--report",)), (True, ("--offline",))],
    ids=["to the sweep", "to all its processes"],
)
def test_any_moment_is_answered(
    place: Workplace, tmp_path: Path, to_all: bool, options: tuple[str, ...]
) -> None:
    undisturbed = Workplace(tmp_path / "u")  # sockets need short paths
    (undisturbed.folder / "tmp").mkdir()
    began = time.monotonic()
    assert start(undisturbed, *options).wait(300) == 0, said(undisturbed)
    whole = time.monotonic() - began
    answered = 0
    for moment in range(1, MOMENTS + 1):
        number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[moment % 3]
        process = start(place, *options)
        time.sleep(whole * moment / MOMENTS)
        over = process.poll() is not None or any(word in said(place) for word in OVER)
        if process.poll() is None:
            os.killpg(process.pid, number) if to_all else process.send_signal(number)
        code = process.wait(60)
        until(lambda: not processes_of(place), 60)
        text = said(place)
        assert "Traceback" not in text or moment == 1, text
        if not over:  # before ablab has begun to listen, the system ends it
            assert code == 128 + number or (code == -number and moment <= 2), text
            answered += 1
        assert all(run.status() in ("new", "stopped", "finished") for run in place.runs())
    assert answered >= MOMENTS // 3
    assert start(place, *options).wait(300) == 0, said(place)
    assert [run.number for run in place.runs()] == ["001", "001"]
    for run, other in zip(place.runs(), undisturbed.runs(), strict=True):
        assert run.completion is not None
        assert other.completion is not None
        assert run.completion.metrics == other.completion.metrics
    assert ours_in(place.folder / "tmp") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_asks_trials_for_their_checkpoint_and_a_second_kills_them(
    place: Workplace, number: int
) -> None:
    place.slow(True)
    process = start(place, "--offline")
    until(place.is_under_way)
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    assert "Stopping what runs behind its last checkpoint" in said(place)
    ends = [run.entries()[-1] for run in place.runs()]
    assert [(end.kind, end.note["reason"]) for end in ends] == [("stopped", "SIGTERM")] * 2
    process = start(place, "--offline")
    until(lambda: all(run.is_locked() for run in place.runs()))
    for _ in range(2):
        process.send_signal(number)
        time.sleep(0.1)
    assert process.wait(60) == 128 + number
    until(lambda: not processes_of(place), 60)
    place.slow(False)
    assert start(place, "--offline").wait(300) == 0, said(place)


def test_killed_sweep_leaves_nothing_that_the_next_one_does_not_remove(place: Workplace) -> None:
    place.slow(True)
    process = start(place, "--offline")
    until(place.is_under_way)
    process.kill()
    process.wait()
    until(lambda: not processes_of(place), 60)
    left = ours_in(place.folder / "tmp")
    assert [name[:5] for name in left] == ["pymp-"]
    foreign = place.folder / "tmp" / "pymp-of-others"
    foreign.mkdir()
    for run in place.runs():
        (run.folder / f".environment.json.{process.pid}").touch()
        (run.folder / f".environment.json.{os.getpid()}").touch()  # of one that lives
    place.slow(False)
    assert start(place, "--offline").wait(300) == 0, said(place)
    assert ours_in(place.folder / "tmp") == [foreign.name]
    for run in place.runs():
        hidden = [path.name for path in run.folder.glob(".*")]
        assert hidden == [f".environment.json.{os.getpid()}"]


def test_nohup_outlives_the_terminal(place: Workplace) -> None:
    command = f"trap '' HUP; exec {sys.executable} -m ablab sweep mine --offline"
    place.slow(True)
    with (place.folder / "said.txt").open("w") as told:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=place.folder,
            env={**os.environ, **place.settings},
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    until(place.is_under_way)
    os.killpg(process.pid, signal.SIGHUP)
    place.slow(False)
    assert process.wait(300) == 0, said(place)

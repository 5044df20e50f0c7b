"""A sweep ends at any moment at which a signal arrives, and can be continued."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import COMMAND, Program
from real_sweeps import Workplace, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes under /proc"),
]
MOMENTS = 6
IMPORTING = 2  # of the moments of a command that has to import first
OVER = "The same command continues", "Next: "  # the last lines of a sweep


def temporary(workplace: Workplace) -> Path:
    """Return the temporary folder of a workplace: sockets in it need a short path."""
    link = Path(tempfile.gettempdir()) / f"t{zlib.crc32(str(workplace.folder).encode()):08x}"
    if not link.is_symlink():
        (workplace.folder / "tmp").mkdir(exist_ok=True)
        link.symlink_to(workplace.folder / "tmp")
    return link


def start(
    workplace: Workplace, *options: str, forked: bool = True
) -> "Program | subprocess.Popen[bytes]":
    """Start the command as a terminal does, in a session of its own; not forked, it imports."""
    environment = {**os.environ, **workplace.settings, "TMPDIR": str(temporary(workplace))}
    words, output = ["sweep", "mine", *options], workplace.folder / "output.txt"
    if forked:
        where = {"folder": workplace.folder, "environment": environment, "output": output}
        return Program(COMMAND, words, **where)
    with output.open("w") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "ablab", *words],
            cwd=workplace.folder,
            env=environment,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def processes_of(session: int) -> list[int]:
    """Return the processes of a session, whose number is the process that was started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, number = (entry / "stat").read_text().rpartition(") ")[2].split()[:4]
        except OSError:
            continue
        if int(number) == session and state != "Z":
            found.append(int(entry.name))
    return found


def ours_in(folder: Path) -> list[str]:
    """Return the names that we give to what is temporary; torch has a folder of its own."""
    return [path.name for path in folder.iterdir() if path.name.startswith(("pymp-", "ablab-"))]


@pytest.fixture(autouse=True)
def _remove_links(tmp_path: Path) -> Iterator[None]:
    yield
    for link in Path(tempfile.gettempdir()).glob("t????????"):
        if link.is_symlink() and tmp_path in link.readlink().parents:
            link.unlink()


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    workplace = Workplace(tmp_path / "p")
    (workplace.folder / "tmp").mkdir()
    return workplace


def output(workplace: Workplace) -> str:
    return (workplace.folder / "output.txt").read_text()


@pytest.mark.parametrize(
    ("to_all", "options"),
    [(False, ("--report",)), (True, ("--offline",))],
    ids=["to the sweep", "to all its processes"],
)
def test_signal_at_any_moment_ends_the_sweep(
    workplace: Workplace, tmp_path: Path, to_all: bool, options: tuple[str, ...]
) -> None:
    undisturbed = Workplace(tmp_path / "u")  # sockets need short paths
    (undisturbed.folder / "tmp").mkdir()
    answered = 0
    for forked, moments in ((False, IMPORTING), (True, MOMENTS)):
        began = time.monotonic()
        assert start(undisturbed, *options, forked=forked).wait(300) == 0, output(undisturbed)
        whole = time.monotonic() - began
        for moment in range(1, moments + 1):
            number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[moment % 3]
            process = start(workplace, *options, forked=forked)
            # The trials go on from their checkpoints, so that there is less to do each time.
            time.sleep(0.6 * whole * moment / MOMENTS)
            over = process.poll() is not None or any(word in output(workplace) for word in OVER)
            if process.poll() is None:
                os.killpg(process.pid, number) if to_all else process.send_signal(number)
            code = process.wait(60)
            until(lambda session=process.pid: not processes_of(session), 60)
            text = output(workplace)
            assert "Traceback" not in text or moment == 1, text
            if not over:  # before ablab has installed its handlers, the system ends it
                assert code == 128 + number or (code == -number and moment <= 2), text
                answered += 1
            statuses = {run.status() for run in workplace.runs()}
            assert statuses <= {"new", "stopped", "finished"}
        if not forked:
            shutil.rmtree(undisturbed.lab.root)
    assert answered >= MOMENTS // 2
    assert start(workplace, *options).wait(300) == 0, output(workplace)
    assert [run.number for run in workplace.runs()] == ["001", "001"]
    for run, other in zip(workplace.runs(), undisturbed.runs(), strict=True):
        assert run.completion is not None
        assert other.completion is not None
        assert run.completion.metrics == other.completion.metrics
    assert ours_in(workplace.folder / "tmp") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_trials_at_their_checkpoint_and_a_second_kills_them(
    workplace: Workplace, number: int
) -> None:
    workplace.slow(True)
    process = start(workplace, "--offline")
    until(workplace.is_in_an_epoch)
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    assert "Stopping the running trials at their last checkpoint" in output(workplace)
    ends = [run.entries()[-1] for run in workplace.runs()]
    assert [(end.kind, end.note["reason"]) for end in ends] == [("stopped", "SIGTERM")] * 2
    process = start(workplace, "--offline")
    until(lambda: all(run.is_locked() for run in workplace.runs()))
    for _ in range(2):
        process.send_signal(number)
        time.sleep(0.1)
    assert process.wait(60) == 128 + number
    until(lambda: not processes_of(process.pid), 60)
    workplace.slow(False)
    assert start(workplace, "--offline").wait(300) == 0, output(workplace)


def test_killed_sweep_leaves_nothing_that_the_next_one_does_not_remove(
    workplace: Workplace,
) -> None:
    workplace.slow(True)
    process = start(workplace, "--offline")
    until(workplace.is_in_an_epoch)
    process.kill()
    process.wait()
    until(lambda: not processes_of(process.pid), 60)
    left = ours_in(workplace.folder / "tmp")
    assert [name[:5] for name in left] == ["pymp-"]
    foreign = workplace.folder / "tmp" / "pymp-of-others"
    foreign.mkdir()
    for run in workplace.runs():
        (run.folder / f".environment.json.{process.pid}").touch()
        (run.folder / f".environment.json.{os.getpid()}").touch()  # of one that lives
    workplace.slow(False)
    assert start(workplace, "--offline").wait(300) == 0, output(workplace)
    assert ours_in(workplace.folder / "tmp") == [foreign.name]
    for run in workplace.runs():
        hidden = [path.name for path in run.folder.glob(".*")]
        assert hidden == [f".environment.json.{os.getpid()}"]


def test_nohup_survives_the_end_of_the_terminal(workplace: Workplace) -> None:
    command = f"trap '' HUP; exec {sys.executable} -m ablab sweep mine --offline"
    workplace.slow(True)
    with (workplace.folder / "output.txt").open("w") as stream:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=workplace.folder,
            env={**os.environ, **workplace.settings},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    until(workplace.is_in_an_epoch)
    os.killpg(process.pid, signal.SIGHUP)
    workplace.slow(False)
    assert process.wait(300) == 0, output(workplace)

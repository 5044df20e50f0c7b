"""A sweep on a full disk: running trials keep their checkpoint, the others wait."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_sweeps import Workplace, until

from ablab.tracking.journal import same_metrics
from ablab.tracking.run import CHECKPOINT
from ablab.training.recorder import checkpoint_line

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs Linux's tmpfs"),
]


@pytest.fixture
def mount() -> Iterator[Callable[[Path, str], None]]:
    """Mount a small disk in memory; skip where that is not permitted."""
    mounted: list[Path] = []

    def mount(folder: Path, options: str) -> None:
        folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "ablab-test", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Fill the disk."""
    ballast.mkdir()
    for size in (2**20, 2**12, 1):
        with (ballast / str(size)).open("wb", buffering=0) as stream:
            try:
                while stream.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def use_all_inodes(ballast: Path) -> None:
    """Use all inodes."""
    ballast.mkdir()
    for number in range(10_000):
        try:
            (ballast / str(number)).touch()
        except OSError:
            return
    raise AssertionError("the disk has inodes left")


@pytest.mark.parametrize(
    ("options", "exhaust"), [("size=300m", fill), ("size=300m,nr_inodes=200", use_all_inodes)]
)
def test_full_disk_stops_the_sweep_and_the_same_command_continues(
    tmp_path: Path,
    mount: Callable[[Path, str], None],
    options: str,
    exhaust: Callable[[Path], None],
) -> None:
    workplace, undisturbed = Workplace(tmp_path / "workplace"), Workplace(tmp_path / "undisturbed")
    assert undisturbed.run()[0] == 0
    mount(workplace.lab.root, options)
    ballast = workplace.lab.root / "ballast"
    workplace.slow(True)
    with workplace.sweep("launcher.slots=1") as process:
        until(lambda: any("epoch" in [e.kind for e in t.entries()] for t in workplace.runs()))
        exhaust(ballast)
        workplace.slow(False)
        output = process.end()
    assert process.status == 74, output
    assert "Traceback" not in output
    last = output.splitlines()[-1]
    assert last.startswith("ablab: ")
    assert "must have free space on its disk, got No space left on device" in last
    assert "2 stopped" in output
    assert output.count(": starts") == 1
    (begun,) = workplace.runs()
    assert begun.status() == "stopped"
    assert checkpoint_line(begun.folder / CHECKPOINT) is not None
    assert not list(begun.folder.glob(".*"))
    status, output = workplace.run()  # the disk is still full: the attempt damages no trial
    assert status == 74, output
    for file in ballast.iterdir():
        file.unlink()
    ballast.rmdir()
    status, output = workplace.run()
    assert status == 0, output
    expected = {run.key: run.completion for run in undisturbed.runs()}
    assert {run.key: run.number for run in workplace.runs()} == dict.fromkeys(expected, "001")
    for run in workplace.runs():
        mine, other = run.completion, expected[run.key]
        assert mine is not None
        assert other is not None
        assert same_metrics(mine.metrics, other.metrics)
        assert "failed" not in [entry.kind for entry in run.entries()]

"""Real trials, killed in mid-epoch with whatever runs them: the same command mends it all."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from ablab.sweep.launch.forked import PRELOAD
from ablab.sweep.launch.surroundings import inherited
from ablab.tracking.journal import same_metrics
from ablab.tracking.lab import Lab, Take
from ablab.tracking.plan import read_plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes under /proc"),
]

STEERED = '''
"""A ReLU that dawdles while a file named ``slow`` is there."""

import os
import time
from pathlib import Path

from torch import Tensor, nn


class Steered(nn.Module):
    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        if Path(os.environ["STEER"], "slow").exists():
            time.sleep(0.02)
        if Path(os.environ["STEER"], f"raise-{x.shape[0]}").exists() and self.training:
            raise RuntimeError("told to")
        return nn.functional.relu(x)
'''
SWEEP = """# @package _global_
defaults:
  - override /architecture: mlp
  - override /activation: steered
trainer:
  max_epochs: 4
sweep:
  question: Does it survive?
  kind: best
  grid: {batch_size: [32, 64]}
"""


def _sweep(folder: Path, settings: Mapping[str, str], overrides: Sequence[str]) -> None:
    """Be `ablab sweep mine`, started in ``folder`` with what it prints in a file."""
    os.chdir(folder)
    os.environ.update(settings)
    with (folder / f"said-{os.getpid()}.txt").open("w") as said:
        for number in (1, 2):
            os.dup2(said.fileno(), number)
    from ablab.sweep.engine import run_sweep

    sys.exit(run_sweep("mine", overrides, offline=True, console=Console(width=200)))


class Sweep:
    """A sweep in a process of its own, forked from a server that has imported everything."""

    def __init__(self, folder: Path, settings: Mapping[str, str], overrides: Sequence[str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([PRELOAD, "ablab.sweep.engine"])
        self._folder = folder
        self._process = context.Process(target=_sweep, args=(folder, settings, overrides))
        with inherited({}):
            self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.exitcode

    def interrupt(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def end(self) -> str:
        """Wait for the end, and return what was said."""
        self._process.join(300)
        assert self._process.exitcode is not None, "waited in vain"
        return (self._folder / f"said-{self.pid}.txt").read_text()


class Workplace:
    """A folder with a component, a sweep and a lab of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lab = folder, Lab(folder / "lab")
        for place in ("conf/activation", "sweeps"):
            (folder / place).mkdir(parents=True)
        (folder / "steered.py").write_text(STEERED)
        (folder / "conf/activation/steered.yaml").write_text("# ours\n_target_: steered.Steered\n")
        (folder / "sweeps/mine.yaml").write_text(SWEEP)

    @contextmanager
    def sweep(self, *overrides: str) -> Iterator[Sweep]:
        settings = {
            "ABLAB_HOME": str(self.lab.root),
            "ABLAB_ALLOW": "steered",
            "STEER": str(self.folder),
            "PYTHONWARNINGS": "",
        }
        process = Sweep(self.folder, settings, overrides)
        try:
            yield process
        finally:
            process.kill()

    def run(self, *overrides: str) -> tuple[int | None, str]:
        with self.sweep(*overrides) as process:
            said = process.end()
        return process.status, said

    def slow(self, yes: bool) -> None:
        marker = self.folder / "slow"
        marker.touch() if yes else marker.unlink()

    def takes(self) -> list[Take]:
        plan = read_plan(self.lab.sweep_folder("mine"))
        cells = plan.cells if plan else ()
        return [take for cell in cells for take in self.lab.takes(cell.key)]

    def is_under_way(self) -> bool:
        """Tell whether both trials have written an epoch and are in the middle of the next."""
        takes = self.takes()
        kinds = [[entry.kind for entry in take.entries()] for take in takes]
        return len(kinds) == 2 and all("epoch" in each for each in kinds)


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def descendants(pid: int, word: str) -> list[int]:
    """Return the children of a process whose command holds a word."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_text()
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid and word in command:
            found.append(int(entry.name))
    return found


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def server_of(process: Sweep) -> int:
    (server,) = descendants(process.pid, "forkserver")
    return server


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace(tmp_path_factory.mktemp("undisturbed"))
    status, said = place.run()
    assert status == 0, said
    return place


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path / "place")


def assert_same(place: Workplace, undisturbed: Workplace, *, attempts: int) -> None:
    """Check that every trial is there once, in one take, with the undisturbed one's figures."""
    expected = {take.key: take for take in undisturbed.takes()}
    assert len(expected) == 2
    assert sorted(expected) == sorted(take.key for take in place.takes())
    for take in place.takes():
        mine, other = take.completion, expected[take.key].completion
        assert mine is not None
        assert other is not None
        assert same_metrics(mine.metrics, other.metrics)
        pairs = [[e for e in t.entries() if e.kind == "epoch"] for t in (take, expected[take.key])]
        assert len(pairs[0]) == len(pairs[1]) == 4
        assert all(same_metrics(a.metrics, b.metrics) for a, b in zip(*pairs, strict=True))
        assert sum(entry.kind == "attempt" for entry in take.entries()) == attempts


def test_killed_trials_resume_within_the_sweep(place: Workplace, undisturbed: Workplace):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        for trial in descendants(server_of(process), ""):
            os.kill(trial, signal.SIGKILL)
        place.slow(False)
        said = process.end()
    assert process.status == 0, said
    assert said.count("tried again") == 2
    assert_same(place, undisturbed, attempts=2)


def test_sweep_survives_its_server(place: Workplace, undisturbed: Workplace):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        os.kill(server_of(process), signal.SIGKILL)
        place.slow(False)
        said = process.end()
    assert process.status == 0, said
    assert_same(place, undisturbed, attempts=1)


def test_killed_sweep_takes_its_trials_along_and_is_finished_by_the_same_command(
    place: Workplace, undisturbed: Workplace
):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        server = server_of(process)
        process.kill()
        until(lambda: not any(take.is_locked() for take in place.takes()), 20)
        until(lambda: is_gone(server), 20)
    assert not any(take.completion for take in place.takes())
    place.slow(False)
    status, said = place.run()
    assert status == 0, said
    assert_same(place, undisturbed, attempts=2)
    status, said = place.run()
    assert "2 finished, 0 to train" in said


def test_two_sweeps_side_by_side_train_each_trial_once(place: Workplace, undisturbed: Workplace):
    place.slow(True)
    with place.sweep() as first, place.sweep() as second:
        until(place.is_under_way)
        place.slow(False)
        said = [process.end() for process in (first, second)]
        assert [first.status, second.status] == [0, 0], said
    assert_same(place, undisturbed, attempts=1)


def test_ctrl_c_stops_behind_a_checkpoint_and_the_same_command_goes_on(
    place: Workplace, undisturbed: Workplace
):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        process.interrupt()
        said = process.end()
    assert process.status == 130, said
    assert "The same command again goes on" in said
    assert [take.status() for take in place.takes()] == ["stopped"] * 2
    place.slow(False)
    assert place.run()[0] == 0
    assert_same(place, undisturbed, attempts=2)


def test_trial_that_raises_fails_alone_and_is_mended_by_the_same_command(
    place: Workplace, undisturbed: Workplace
):
    (place.folder / "raise-32").touch()
    status, said = place.run()
    assert status == 1, said
    assert "RuntimeError: told to" in said
    assert "1 finished, 1 failed" in said
    assert {take.status() for take in place.takes()} == {"finished", "failed"}
    (place.folder / "raise-32").unlink()
    assert place.run()[0] == 0
    assert all(take.completion for take in place.takes())
    assert len(place.takes()) == 2


def test_component_edited_during_a_sweep_is_refused_and_afterwards_is_new_trials(place: Workplace):
    source = place.folder / "steered.py"
    place.slow(True)
    with place.sweep("launcher.slots=1") as process:
        until(place.takes)
        source.write_text(STEERED + "# edited\n")
        place.slow(False)
        said = process.end()
    assert process.status == 1, said
    assert "must be as it was when the trial was planned" in said
    before = {take.key for take in place.takes()}
    status, said = place.run()
    assert status == 0, said
    assert "a new comparison begins" in said
    assert before.isdisjoint(take.key for take in place.takes())

"""Sweeps of real trials in processes of their own, in a folder where they can be slowed down."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ablab.sweep.launch.environment import worker_environment
from ablab.sweep.launch.fork import PRELOAD
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan
from ablab.tracking.run import Run

STEERED = '''
"""A ReLU that sleeps while a file named ``slow`` exists."""

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
            raise RuntimeError("on request")
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
    """Run `ablab sweep mine` in ``folder``, with its output in a file."""
    os.chdir(folder)
    os.environ.update(settings)
    with (folder / f"output-{os.getpid()}.txt").open("w") as output:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    from ablab.cli import main

    sys.exit(main(["sweep", "mine", "--offline", *overrides]))


class Sweep:
    """A sweep in a process of its own, forked from a server that has imported everything."""

    def __init__(self, folder: Path, settings: Mapping[str, str], overrides: Sequence[str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([PRELOAD, "ablab.sweep.engine"])
        self._folder = folder
        self._process = context.Process(target=_sweep, args=(folder, settings, overrides))
        with worker_environment({}):
            self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.exitcode

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def interrupt(self) -> None:
        self.signal(signal.SIGINT)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def end(self) -> str:
        """Wait for the end and return the output."""
        self._process.join(300)
        assert self._process.exitcode is not None, "timed out"
        return (self._folder / f"output-{self.pid}.txt").read_text()


class Workplace:
    """A folder with a component, a sweep and a lab of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lab = folder, Lab(folder / "lab")
        for path in ("conf/activation", "sweeps"):
            (folder / path).mkdir(parents=True)
        (folder / "steered.py").write_text(STEERED)
        (folder / "conf/activation/steered.yaml").write_text("# ours\n_target_: steered.Steered\n")
        (folder / "sweeps/mine.yaml").write_text(SWEEP)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "ABLAB_HOME": str(self.lab.root),
            "ABLAB_ALLOW": "steered",
            "STEER": str(self.folder),
            "PYTHONWARNINGS": "",
        }

    @contextmanager
    def sweep(self, *overrides: str) -> Iterator[Sweep]:
        process = Sweep(self.folder, self.settings, overrides)
        try:
            yield process
        finally:
            process.kill()

    def run(self, *overrides: str) -> tuple[int | None, str]:
        with self.sweep(*overrides) as process:
            output = process.end()
        return process.status, output

    def slow(self, yes: bool) -> None:
        marker = self.folder / "slow"
        marker.touch() if yes else marker.unlink()

    def runs(self) -> list[Run]:
        plan = read_plan(self.lab.sweep_folder("mine"))
        cells = plan.cells if plan else ()
        return [run for cell in cells for run in self.lab.runs(cell.key)]

    def is_in_an_epoch(self) -> bool:
        """Return whether both trials have written an epoch and are in the middle of the next."""
        runs = self.runs()
        kinds = [[entry.kind for entry in run.entries()] for run in runs]
        return len(kinds) == 2 and all("epoch" in each for each in kinds)


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
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
    """Return whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def server_of(process: Sweep) -> int:
    (server,) = descendants(process.pid, "forkserver")
    return server

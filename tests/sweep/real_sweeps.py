"""Sweeps of real trials in processes of their own, in a folder where they can be slowed down."""

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from forked import COMMAND, Program

from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan
from ablab.tracking.run import Run

STEERED = '''
"""A ReLU that sleeps while a file named ``slow`` exists, and waits while ``hold`` does."""

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
        while Path(os.environ["STEER"], "hold").exists():
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


_NUMBERS = itertools.count(1)


class Sweep:
    """`ablab sweep mine` in a process of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, str], options: Sequence[str]) -> None:
        self._output = folder / f"output-{next(_NUMBERS)}.txt"
        self._program = Program(
            COMMAND,
            ["sweep", "mine", *options],
            folder=folder,
            environment={**os.environ, **settings},
            output=self._output,
        )

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def status(self) -> int | None:
        return self._program.poll()

    def signal(self, number: int) -> None:
        self._program.send_signal(number)

    def interrupt(self) -> None:
        self.signal(signal.SIGINT)

    def kill(self) -> None:
        self._program.kill()

    def end(self) -> str:
        """Wait for the end and return the output."""
        self._program.wait(300)
        return self._output.read_text()


class Workplace:
    """A folder with a component, a sweep and a lab of its own."""

    def __init__(self, folder: Path, sweep: str = SWEEP) -> None:
        self.folder, self.lab = folder, Lab(folder / "lab")
        for path in ("conf/activation", "sweeps"):
            (folder / path).mkdir(parents=True)
        (folder / "steered.py").write_text(STEERED)
        (folder / "conf/activation/steered.yaml").write_text("# ours\n_target_: steered.Steered\n")
        (folder / "sweeps/mine.yaml").write_text(sweep)

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
        process = Sweep(self.folder, self.settings, ["--offline", *overrides])
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

    def is_in_an_epoch(self, trials: int = 2) -> bool:
        """Return whether all trials have written an epoch and are in the middle of the next."""
        runs = self.runs()
        kinds = [[entry.kind for entry in run.entries()] for run in runs]
        return len(kinds) == trials and all("epoch" in each for each in kinds)


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
    """Return the fork server of a sweep, whose session it shares; the delivery has its own."""
    found = descendants(process.pid, "forkserver")
    (server,) = (pid for pid in found if os.getsid(pid) == process.pid)
    return server

"""What random SIGKILLs do to a sweep of 40 short trials: 100 of trials, fork server and command.

A command that was killed is started again, as its user would. In the end each trial must have one
finished run, with the epochs and results of a sweep that nobody disturbed.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measurements import parse_options, print_results

from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan

KILLS = 100
PAUSE = (0.1, 1.2)  # seconds between two kills, drawn evenly
ROLES = {"trial": 6, "fork server": 2, "command": 2}  # weights
SWEEP = """# @package _global_
defaults:
  - override /dataset: digits
  - override /architecture: mlp
trainer:
  max_epochs: 40
sweep:
  question: Is each trial counted once?
  kind: best
  seeds: 10
  grid: {activation: [relu, tanh, sigmoid, elu]}
"""
Histories = Mapping[str, list[Any]]


def main() -> None:
    """Run the sweep twice, undisturbed and with kills, and compare."""
    asked = parse_options(__doc__ or "", KILLS)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sweeps").mkdir()
        (Path(folder) / "sweeps" / "kills.yaml").write_text(SWEEP)
        calm, _, _ = _sweep(Path(folder), "calm", 0)
        seconds, killed, starts = _sweep(Path(folder), "killed", asked.rounds)
        expected, got = (_histories(Path(folder) / name) for name in ("calm", "killed"))
    same = sum(got[key] == expected[key] for key in expected)
    lines = [
        f"SIGKILLs: {sum(killed.values())} ({', '.join(f'{n} {r}' for r, n in killed.items())})",
        f"starts of the command: {starts}",
        f"trials with exactly one finished run: {sum(len(runs) == 1 for runs in got.values())} of "
        f"{len(expected)}",
        f"of these with equal epochs and results: {same}",
        f"seconds: {seconds:.0f}, undisturbed {calm:.0f}",
    ]
    print_results(__doc__ or "", lines, asked.save)
    assert same == len(expected)


def _sweep(folder: Path, name: str, kills: int) -> tuple[float, Counter[str], int]:
    """Run the sweep to its end; return seconds, kills by role, and starts of the command."""
    draw, killed, starts = random.Random(7), Counter[str](), 0
    began, status = time.monotonic(), None
    while status != 0:
        process = _start(folder, name)
        starts += 1
        while process.poll() is None:
            time.sleep(draw.uniform(*PAUSE) if killed.total() < kills else 0.1)
            if killed.total() < kills and process.poll() is None:
                killed.update(_kill_one(process.pid, draw))
        status = process.returncode
        assert status in (0, -signal.SIGKILL), status
    return time.monotonic() - began, killed, starts


def _start(folder: Path, name: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "ABLAB_HOME": str(folder / name), "OMP_NUM_THREADS": "1"}
    options = ["--offline", "launcher.retries=1000", "launcher.slots=2"]
    command = [sys.executable, "-m", "ablab", "sweep", "kills", *options]
    with (folder / f"{name}.txt").open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _kill_one(command: int, draw: random.Random) -> list[str]:
    """Kill a process of a role that is drawn; return the role, nothing if there is none now."""
    (role,) = draw.choices(list(ROLES), list(ROLES.values()))
    found = _processes(command)[role]
    if not found:
        return []
    os.kill(draw.choice(found), signal.SIGKILL)
    return [role]


def _processes(command: int) -> Mapping[str, list[int]]:
    """Return the processes of a command by role."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, _, session = (entry / "stat").read_text().rpartition(") ")[2].split()[:4]
            words = (entry / "cmdline").read_text()
        except OSError:
            continue
        if int(session) == command and state != "Z":
            parents[int(entry.name)] = int(parent), words
    servers = [p for p, (parent, words) in parents.items() if "forkserver" in words]
    top = [p for p in servers if parents[p][0] == command]
    trials = [p for p in servers if parents[p][0] in top]
    return {"trial": trials, "fork server": top, "command": [command]}


def _histories(root: Path) -> Histories:
    """Return epochs and results of all finished runs, by trial."""
    lab = Lab(root)
    plan = read_plan(lab.sweep_folder("kills"))
    assert plan is not None
    return {
        cell.key: [
            [[(e.epoch, e.metrics) for e in run.entries() if e.kind == "epoch"], record.metrics]
            for run in lab.runs(cell.key)
            if (record := run.completion) is not None
        ]
        for cell in plan.cells
    }


if __name__ == "__main__":
    main()

"""Sweeps with searches whose trials are fakes: the accuracy depends on the learning rate alone."""

import io
import json
import math
import time
from pathlib import Path
from typing import Any

from fakes import FakeLauncher
from rich.console import Console

from ablab.sweep.engine import run_sweep
from ablab.tracking.completion import Completion, write_completion
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plan
from ablab.tracking.run import Run
from ablab.tracking.search import SEARCH, Asked, SearchRecord, read_searches
from ablab.training.environment import source_hash

BODY = """# @package _global_
defaults:
  - override /architecture: mlp
  - override /dataset: digits
  - override /optimizer: sgd
trainer:
  max_epochs: 3
sweep:
  question: Which?
  kind: best
  seeds: 3
  variants:
    relu: {activation: relu}
    tanh: {activation: tanh}
  tune: {tune}
"""
GRID = "{method: grid, epochs: 2, space: {optimizer.lr: [0.01, 0.1, 1.0], batch_size: [32, 64]}}"
RANDOM = "{method: random, trials: 4, space: {optimizer.lr: {low: 0.001, high: 1.0, log: true}}}"
TPE = RANDOM.replace("random", "tpe").replace("trials: 4", "trials: 5")


def accuracy(run: Run) -> float:
    """Return the best at lr 0.1 for relu, at 1.0 for tanh."""
    config = run.trial["config"]
    best = 0 if "Tanh" in config["activation"]["_target_"] else -1
    off = abs(math.log10(config["optimizer"]["lr"]) - best)
    return 0.9 - 0.1 * off - 0.0001 * (config["batch_size"] - 32)


def train_epoch(run: Run) -> bool:
    """Write the next epoch, a little better than the one before; return whether it is the last."""
    journal, epochs = Journal(run.journal), run.trial["config"]["trainer"]["max_epochs"]
    epoch = len(journal.entries)
    if epoch < epochs:
        metrics = {"val/accuracy": accuracy(run) - 0.01 * (epochs - 1 - epoch)}
        journal.append(Entry("epoch", time.time(), epoch, metrics))
    return epoch + 1 >= epochs


def finish(run: Run) -> int:
    """Train all epochs of the trial and complete the run."""
    (run.folder / "environment.json").write_text(json.dumps({"source_hash": source_hash()}))
    while not train_epoch(run):
        pass
    noise = int(run.key[:4], 16) % 100 / 1e4
    metrics = {"val/accuracy": accuracy(run), "test/accuracy": 0.5 + noise}
    record = Completion(run.key, run.number, "finished", time.time(), metrics, {}, {}, {})
    write_completion(run.folder, record)
    return 0


def launcher(slots: int = 2) -> FakeLauncher:
    fake = FakeLauncher(slots)
    fake.default = finish
    return fake


def write(sweeps: Path, tune: str, body: str = BODY) -> None:
    (sweeps / "mine.yaml").write_text(body.replace("{tune}", tune))


def sweep(*overrides: str, **options: Any) -> tuple[int, str]:
    console = Console(file=io.StringIO(), width=200)
    code = run_sweep("mine", overrides, console=console, **{"offline": True, **options})
    assert isinstance(console.file, io.StringIO)
    return code, console.file.getvalue()


def plan_of(lab: Lab) -> Plan:
    plan = read_plan(lab.sweep_folder("mine"))
    assert plan is not None
    return plan


def records(lab: Lab) -> dict[str, SearchRecord]:
    """Return the searches by variant; for several of one variant the last."""
    return {r.variant: r for r in read_searches(lab.sweep_folder("mine")).values()}


def history(lab: Lab) -> dict[str, list[tuple[object, ...]]]:
    """Return what was asked and told, without times."""
    return {
        name: [(a.number, dict(a.values), a.state, a.value, tuple(a.curve)) for a in r.asked]
        for name, r in records(lab).items()
    }


def lines(lab: Lab) -> list[str]:
    """Return the kinds of the lines of the record."""
    text = (lab.sweep_folder("mine") / SEARCH).read_text().splitlines()
    return [json.loads(line.partition(" ")[2])["kind"] for line in text]


def told(number: int, value: float | None, state: str = "finished", **values: object) -> Asked:
    return Asked(number, values, [{"key": f"k{number}"}], state, value)

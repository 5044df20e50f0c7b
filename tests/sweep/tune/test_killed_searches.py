"""A search whose process is killed, with real trials: it goes on with the trial that it was in."""

import os
from pathlib import Path

import pytest
from real_sweeps import Workplace, descendants, is_gone, until
from searches import history

from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan

SWEEP = """# @package _global_
defaults:
  - override /architecture: mlp
  - override /activation: steered
trainer:
  max_epochs: 3
sweep:
  question: Does it survive?
  search:
    method: random
    trials: 3
    space: {optimizer.lr: {low: 0.001, high: 0.1, log: true}}
"""


def is_in_a_trial(lab: Lab) -> bool:
    """Return whether one trial is told, and the next is in the middle of its epochs."""
    plan = read_plan(lab.sweep_folder("mine"))
    if plan is None or len(plan.tuning) != 2:
        return False
    runs = lab.runs(plan.tuning[1].key)
    return bool(runs) and "epoch" in [entry.kind for entry in runs[0].entries()]


@pytest.mark.slow
def test_killed_search_has_the_history_of_an_undisturbed_one(tmp_path: Path):
    whole, killed = (Workplace(tmp_path / name, SWEEP) for name in ("whole", "killed"))
    status, text = whole.run()
    assert status == 0, text
    killed.slow(True)
    with killed.sweep() as process:
        until(lambda: is_in_a_trial(killed.lab))
        children = descendants(process.pid, "")
        process.kill()
        until(lambda: all(is_gone(pid) for pid in children))
    killed.slow(False)
    before = killed.lab.runs(read_plan(killed.lab.sweep_folder("mine")).tuning[1].key)
    status, text = killed.run()
    assert status == 0, text
    assert history(killed.lab) == history(whole.lab)
    keys = {cell.key for cell in read_plan(killed.lab.sweep_folder("mine")).tuning}
    assert len(keys) == 3
    assert all(len(killed.lab.runs(key)) == 1 for key in keys)
    attempts = [e.kind for e in before[0].entries()].count("attempt")
    assert attempts == 2
    assert os.path.samefile(before[0].folder, killed.lab.runs(before[0].key)[0].folder)

"""A sweep that looks at growing numbers of seeds: plans, decisions, and commands that go on."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeLauncher, complete, die, fail, write_epoch
from rich.console import Console

from ablab.faults import ConfigError
from ablab.report import interim
from ablab.report.analysis.analysis import analyze
from ablab.report.analysis.table import read_table
from ablab.report.text.verdict import verdict
from ablab.sweep.console.status import status
from ablab.sweep.engine import run_sweep
from ablab.sweep.looks import advance, at_look
from ablab.sweep.planning import plan_sweep
from ablab.sweep.selection import Selection
from ablab.sweep.status_json import status_document
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plan
from ablab.tracking.run import Run
from ablab.tracking.spec import Looks

BODY = """# @package _global_
defaults:
  - override /architecture: mlp
sweep:
  question: Which?
  baseline: {activation: relu}
  seeds: {first: 4, then: [6, 8], until: decided, spending: pocock, futility: null}
  grid: {activation: [relu, tanh, elu]}
"""
SEEDS = "{first: 4, then: [6, 8], until: decided, spending: pocock, futility: null}"
GAINS = {"relu": 0.0, "tanh": 0.2, "elu": 0.0005}


def train(run: Run) -> int:
    """Finish with an accuracy that depends on activation and seed alone."""
    name = run.trial["choices"]["activation"]
    seed = int(run.trial["config"]["seed"])
    noise = np.random.default_rng([seed, sorted(GAINS).index(name)]).normal(0, 0.001)
    write_epoch(run, 0)
    complete(run, accuracy=0.7 + GAINS[name] + float(noise))
    return 0


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch, sweeps: Path) -> FakeLauncher:
    (sweeps / "mine.yaml").write_text(BODY)
    launcher = FakeLauncher()
    launcher.default = train
    monkeypatch.setattr("ablab.sweep.engine.make_launcher", lambda _runtime: launcher)
    return launcher


Sweep = Callable[..., tuple[int, str]]


@pytest.fixture
def sweep(launcher: FakeLauncher) -> Sweep:
    def sweep(*overrides: str, **options: Any) -> tuple[int, str]:
        console = Console(file=io.StringIO(), width=200)
        options = {"offline": True, "statistics": interim} | options
        code = run_sweep("mine", overrides, console=console, **options)
        assert isinstance(console.file, io.StringIO)
        return code, console.file.getvalue()

    return sweep


def plan_of(lab: Lab) -> Plan:
    plan = read_plan(lab.sweep_folder("mine"))
    assert plan is not None
    return plan


def seeds_of(plan: Plan) -> dict[str, int]:
    return {v: sum(cell.variant == v for cell in plan.cells) for v in plan.spec.variants}


def test_undecided_variants_train_on_and_decided_ones_stop(sweep: Sweep, lab: Lab):
    code, text = sweep()
    assert code == 0
    plan = plan_of(lab)
    assert [part.kind for part in plan.parts] == ["comparison", "look", "look"]
    assert seeds_of(plan) == {"relu": 8, "tanh": 4, "elu": 8}
    assert plan.spec.seeds == tuple(range(8))
    goes_on = "what it decides stops, the rest goes on to n = 6 and 8 at most."
    assert f"Look 1 of 3 (n = 4); {goes_on}\n12 trials: 0 finished, 12 to train" in text
    assert "Look 1 of 3 (n = 4) is done; relu and elu go on to n = 6." in text
    assert "Look 3 of 3 (n = 8) was the last one that the answer needs." in text
    assert "20 finished; 20 trained now" in text
    assert text.endswith("Next: ablab report mine\n")


def test_status_says_at_which_look_a_sweep_is(sweep: Sweep, lab: Lab):
    sweep(selection=Selection(max_trials=3))
    console = Console(file=io.StringIO(), width=200)
    status("mine", [], console, lab)
    assert isinstance(console.file, io.StringIO)
    assert "\nLook 1 of 3 (n = 4)\n" in console.file.getvalue()
    assert status_document("mine", [], lab)["look"] == {"n": 4, "sizes": [4, 6, 8]}


def test_every_trial_is_trained_once_and_a_repeated_command_trains_nothing(
    sweep: Sweep, launcher: FakeLauncher
):
    sweep()
    assert {len(runs) for runs in launcher.attempts.values()} == {1}
    launcher.attempts.clear()
    code, text = sweep()
    assert code == 0
    assert "Look 3 of 3 (n = 8), the last one." in text
    assert "20 trials: 20 finished, 0 to train" in text
    assert not launcher.attempts


def test_a_sweep_that_is_decided_at_once_has_one_look(sweep: Sweep, lab: Lab, sweeps: Path):
    (sweeps / "mine.yaml").write_text(BODY.replace(", elu]", "]"))
    _, text = sweep()
    assert seeds_of(plan_of(lab)) == {"relu": 4, "tanh": 4}
    assert "Look 1 of 3 (n = 4) was the last one that the answer needs." in text


def test_the_command_goes_on_after_a_kill_between_two_looks(
    sweep: Sweep, lab: Lab, launcher: FakeLauncher
):
    """A command without the statistics ends where a killed one would have."""
    sweep(statistics=None)
    assert seeds_of(plan_of(lab)) == {"relu": 4, "tanh": 4, "elu": 4}
    launcher.attempts.clear()
    _, text = sweep()
    assert seeds_of(plan_of(lab)) == {"relu": 8, "tanh": 4, "elu": 8}
    assert sum(map(len, launcher.attempts.values())) == 8
    assert "20 finished; 8 trained now" in text


def test_no_look_begins_while_a_trial_is_missing(sweep: Sweep, lab: Lab):
    sweep(selection=Selection(max_trials=11))
    assert len(plan_of(lab).parts) == 1
    assert interim.undecided(lab, plan_of(lab)) is None
    _, text = sweep(selection=Selection(max_trials=1))
    assert len(plan_of(lab).parts) == 1
    assert interim.undecided(lab, plan_of(lab)) == ("relu", "elu")
    assert "The answer needs another look." in text
    sweep(selection=Selection(max_trials=3))
    assert len(plan_of(lab).parts) == 2
    assert sum(lab.finished(cell.key) is not None for cell in plan_of(lab).cells) == 12 + 3


def test_shards_share_a_look_and_the_last_one_begins_the_next(sweep: Sweep, lab: Lab):
    sweep(selection=Selection(shard=(1, 2)))
    assert len(plan_of(lab).parts) == 1
    sweep(selection=Selection(shard=(2, 2)))
    assert len(plan_of(lab).parts) == 2
    done = sum(lab.finished(cell.key) is not None for cell in plan_of(lab).cells)
    assert done == 12 + 2


def test_a_failed_trial_is_missing_and_the_sweep_goes_on(
    sweep: Sweep, lab: Lab, launcher: FakeLauncher
):
    (key,) = [c.key for c in plan_sweep("mine").cells if (c.variant, c.seed) == ("elu", 2)]
    launcher.scripts[key] = [fail]
    code, _ = sweep()
    assert code == 1
    assert seeds_of(plan_of(lab)) == {"relu": 8, "tanh": 4, "elu": 8}
    analysis = analyze(plan_of(lab), read_table(lab, plan_of(lab)))
    (contrast,) = [c for c in analysis.main.tested if c.variant == "elu"]
    assert (contrast.n, contrast.left_out) == (7, 1)


def test_killed_trials_are_started_again_within_a_look(sweep: Sweep, launcher: FakeLauncher):
    for cell in plan_sweep("mine").cells[-3:]:
        launcher.scripts[cell.key] = [die, train]
    code, text = sweep()
    assert code == 0
    assert "20 finished" in text


def test_two_commands_add_one_look(sweep: Sweep, lab: Lab):
    sweep(statistics=None)
    plan, draft = plan_of(lab), plan_sweep("mine")
    first, _ = advance(lab, plan, draft, interim, "ablab sweep mine")
    second, _ = advance(lab, plan, draft, interim, "ablab sweep mine")
    assert first == second
    assert len(plan_of(lab).parts) == 2


def test_the_verdict_waits_for_the_last_look_that_is_needed(sweep: Sweep, lab: Lab):
    sweep(statistics=None)
    plan = plan_of(lab)
    assert not verdict(analyze(plan, read_table(lab, plan))).is_given
    sweep()
    plan = plan_of(lab)
    assert verdict(analyze(plan, read_table(lab, plan))).is_given


OTHER = Looks((4, 6, 9), "pocock", None)
CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"looks": OTHER}, "got first 4, then 6 and 9 (pocock, no futility); copy the YAML to a new"),
    ({"looks": None}, "seeds must stay first 4, then 6 and 8 (pocock, no futility), as planned"),
    ({"looks": None}, "got a fixed number; copy the YAML to a new name"),
    ({"kind": "best"}, "sweep.kind must stay as planned, since the sweep looks at growing numbers"),
    ({"goal": "min"}, "sweep.goal must stay as planned, since"),
    ({"variants": {"relu": {}, "tanh": {}}}, "sweep.variants must stay as planned, since"),
    ({"variants": {"relu": {}, "tanh": {}}}, "got others: elu; copy the YAML to a new name"),
    ({"blocks": {}}, "sweep.blocks must stay as planned, since"),
]


def test_what_the_error_probability_does_not_allow_is_refused(sweep: Sweep, lab: Lab):
    sweep(statistics=None)
    plan, draft = plan_of(lab), plan_sweep("mine")
    for change, fault in CHANGES:
        with pytest.raises(ConfigError) as caught:
            at_look(plan, replace(draft, spec=replace(draft.spec, **change)))
        assert fault in str(caught.value)
    question = replace(draft.spec, question="Which one?", target=0.9)
    assert len(at_look(plan, replace(draft, spec=question)).cells) == 12


def test_looks_for_a_plan_of_a_fixed_number_are_refused(sweep: Sweep, lab: Lab, sweeps: Path):
    (sweeps / "mine.yaml").write_text(BODY.replace(SEEDS, "3"))
    sweep()
    (sweeps / "mine.yaml").write_text(BODY)
    with pytest.raises(ConfigError, match="seeds must stay a fixed number, as planned, got"):
        sweep()


def test_other_trials_begin_a_new_comparison(sweep: Sweep, lab: Lab, sweeps: Path):
    sweep()
    (sweeps / "mine.yaml").write_text(BODY.replace("sweep:", "batch_size: 64\nsweep:", 1))
    _, text = sweep(statistics=None)
    assert "a new comparison begins" in text
    assert seeds_of(plan_of(lab)) == {"relu": 4, "tanh": 4, "elu": 4}


def test_dry_run_says_what_each_look_could_detect(sweep: Sweep, lab: Lab):
    _, text = sweep(dry_run=True)
    assert "What numbers of seeds could detect is not known yet" in text
    sweep(statistics=None)
    _, text = sweep(dry_run=True)
    rows = re.findall(r"^ +(\d+) +about ([\d.]+) to ([\d.]+) points, by contrast", text, re.M)
    assert [row[0] for row in rows] == ["4", "6", "8"]
    sizes = [float(row[2]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert "The spread comes from 4 finished seeds or more." in text
    assert len(plan_of(lab).parts) == 1


def test_dry_run_of_a_fixed_sweep_has_its_own_number_and_others(
    sweep: Sweep, lab: Lab, sweeps: Path
):
    (sweeps / "mine.yaml").write_text(BODY.replace(SEEDS, "4"))
    sweep()
    _, text = sweep(dry_run=True)
    assert re.findall(r"^ +(\d+) +about", text, re.M) == ["4", "5", "10", "20"]

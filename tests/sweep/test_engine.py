"""A sweep from its name to its exit code, with real plans and fake trials."""

import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeLauncher, fail, run_on, write_epoch
from fakes import complete as complete_fake
from rich.console import Console

from ablab.errors import ResourceError
from ablab.faults import ConfigError
from ablab.sweep.engine import run_sweep
from ablab.sweep.interrupts import Interrupts
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan
from ablab.tracking.run import Run
from ablab.training.environment import source_hash

BODY = """# @package _global_
defaults:
  - override /architecture: mlp
sweep:
  question: Which?
  kind: best
  seeds: 1
  grid: {activation: [relu, tanh]}
"""


def finish(run: Run) -> int:
    (run.folder / "environment.json").write_text(json.dumps({"source_hash": source_hash()}))
    write_epoch(run, 0)
    complete_fake(run)
    return 0


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch, sweeps: Path) -> FakeLauncher:
    (sweeps / "mine.yaml").write_text(BODY)
    launcher = FakeLauncher()
    launcher.default = finish
    monkeypatch.setattr("ablab.sweep.engine.make_launcher", lambda _runtime: launcher)
    return launcher


Sweep = Callable[..., tuple[int, str]]


@pytest.fixture
def sweep(launcher: FakeLauncher) -> Sweep:
    def sweep(*overrides: str, **options: bool) -> tuple[int, str]:
        console = Console(file=io.StringIO(), width=200)
        options = {"offline": True} | options
        code = run_sweep("mine", overrides, console=console, **options)
        assert isinstance(console.file, io.StringIO)
        return code, console.file.getvalue()

    return sweep


def keys(lab: Lab, sweep: str = "mine") -> list[str]:
    plan = read_plan(lab.sweep_folder(sweep))
    assert plan is not None
    return [cell.key for cell in plan.cells]


def test_sweep_says_what_it_does_and_what_to_type_next(sweep: Sweep, lab: Lab):
    code, said = sweep()
    assert code == 0
    assert "mine: Which?" in said
    assert "2 trials: 0 finished, 2 to train" in said
    assert "2 finished; 2 trained now" in said
    assert said.endswith("Next: ablab report mine\n")
    assert len(keys(lab)) == 2


def test_next_command_names_the_very_sweep(sweep: Sweep):
    _, said = sweep("batch_size=64", "launcher.slots=1", "sweep.seeds=1")
    assert said.endswith("Next: ablab report mine batch_size=64\n")


def test_the_command_that_is_kept_lets_in_what_was_let_in(
    sweep: Sweep, lab: Lab, tmp_path: Path, sweeps: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without `--allow` the very command would be refused."""
    module = "units_that_are_let_in"
    (tmp_path / f"{module}.py").write_text("from torch import nn\nclass Own(nn.ReLU):\n    pass\n")
    (tmp_path / "conf/activation").mkdir(parents=True)
    (tmp_path / "conf/activation/own.yaml").write_text(f"# mine\n_target_: {module}.Own\n")
    monkeypatch.setenv("ABLAB_ALLOW", f"{module}, none_of_this")
    sweep()
    plan = read_plan(lab.sweep_folder("mine"))
    assert plan is not None
    assert plan.parts[0].command == "ablab sweep mine"
    (sweeps / "mine.yaml").write_text(BODY.replace("tanh", "own"))
    sweep("batch_size=64")
    plan = read_plan(lab.sweep_folder("mine [batch_size=64]"))
    assert plan is not None
    allowed = f"--allow {module} --allow none_of_this"
    assert plan.parts[0].command == f"ablab sweep mine {allowed} batch_size=64"
    assert plan.asked_with == "batch_size=64"


def test_same_command_again_trains_nothing(sweep: Sweep, launcher: FakeLauncher):
    sweep()
    launcher.attempts.clear()
    code, said = sweep()
    assert code == 0
    assert "2 finished, 0 to train" in said
    assert not launcher.attempts


def test_trials_of_another_sweep_are_not_trained_again(
    sweep: Sweep, launcher: FakeLauncher, sweeps: Path
):
    sweep()
    (sweeps / "mine.yaml").write_text(BODY.replace("tanh", "elu"))
    launcher.attempts.clear()
    sweep()
    assert len(launcher.attempts) == 1


def test_dry_run_makes_nothing(sweep: Sweep, tmp_path: Path):
    code, said = sweep(dry_run=True)
    assert code == 0
    assert "relu · seed 0" in said
    assert "new" in said
    assert {path.name for path in (tmp_path / "lab").glob("*")} <= {"cache"}


def test_failure_is_exit_code_1_with_its_reason_and_its_key(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
):
    sweep(dry_run=True)
    launcher.default = fail
    code, said = sweep()
    assert code == 1
    assert f"failed: ValueError: no  (ablab show {keys(lab)[0]})" in said
    assert "The same command again" in said


def test_interrupt_is_exit_code_130(sweep: Sweep, launcher: FakeLauncher):
    launcher.default = run_on
    launcher.on_wait = lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]
    code, said = sweep()
    assert code == 130
    assert "2 stopped" in said


def test_disk_that_is_too_small_is_refused_before_training(
    sweep: Sweep, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ablab.sweep.forecast.free_bytes", lambda _folder: 1000.0)
    with pytest.raises(ResourceError, match="free disk space must be"):
        sweep()
    assert not launcher.attempts


def test_fault_leaves_no_lab(sweep: Sweep, tmp_path: Path):
    with pytest.raises(ConfigError):
        sweep("optimizer.lrr=1")
    assert not (tmp_path / "lab").exists()


def test_what_other_code_finished_counts_unless_it_is_asked_to_be_trained_again(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
):
    sweep()
    (run,) = lab.runs(keys(lab)[0])
    (run.folder / "environment.json").write_text('{"source_hash": "older"}')
    launcher.attempts.clear()
    _, said = sweep()
    assert "1 finished trials come from other code" in said
    assert not launcher.attempts
    sweep(rerun_changed=True)
    assert [t.number for t in lab.runs(run.key)] == ["001", "002"]
    assert list(launcher.attempts) == [run.key]


def test_interrupts_are_counted_and_handlers_restored():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.count == 2
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_runs_are_delivered_with_names_and_tags_and_deleted_ones_trained_anew(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
):
    from ablab.tracking.store import Store

    code, said = sweep(offline=False)
    assert code == 0
    assert "Not in MLflow" not in said
    store = Store.open(lab)
    experiment = store.find_experiment("mine").experiment_id
    runs = store.client.search_runs([experiment])
    named = {one.info.run_name: one for one in runs}
    assert set(named) == {"sweep mine", "relu · seed 0", "tanh · seed 0"}
    tags = named["relu · seed 0"].data.tags
    assert [tags[name] for name in ("sweep", "variant", "seed", "block", "key")] == [
        "mine",
        "relu",
        "0",
        "digits · mlp",
        keys(lab)[0],
    ]
    store.client.delete_run(named["relu · seed 0"].info.run_id)
    store.close()
    launcher.attempts.clear()
    code, said = sweep(offline=False)
    assert "1 trials whose runs were deleted in MLflow are trained anew" in said
    assert list(launcher.attempts) == [keys(lab)[0]]
    assert [run.number for run in lab.runs(keys(lab)[0])] == ["002"]


def test_store_that_is_away_keeps_nobody_from_training(
    sweep: Sweep, lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr("ablab.sweep.deliveries.PATIENCE", 0.5)
    code, said = sweep(offline=False)
    assert code == 0
    assert all(lab.finished(key) for key in keys(lab))
    assert "Not in MLflow yet" in said
    assert "ablab sync" in said
    code, said = sweep(offline=False)
    assert code == 0
    assert "Training goes on; ablab sync delivers later" in said


def test_probes_asked_for_later_train_again_and_then_count(
    sweep: Sweep, launcher: FakeLauncher
) -> None:
    sweep()
    _, text = sweep("probes.activations=true")
    assert "2 finished trials lack a probe" in text
    assert all(len(runs) == 2 for runs in launcher.attempts.values())
    assert all(t[-1].trial["config"]["probes"]["activations"] for t in launcher.attempts.values())
    sweep("probes.activations=true")
    sweep()
    assert all(len(runs) == 2 for runs in launcher.attempts.values())

"""A sweep from its name to its exit code, with real plans and fake trials."""

import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeLauncher, fail, keep_running, write_epoch
from fakes import complete as complete_fake
from rich.console import Console

from ablab.errors import ResourceError
from ablab.faults import ConfigError
from ablab.sweep.engine import run_sweep
from ablab.sweep.interrupts import Interrupts
from ablab.sweep.metrics import has_metric
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


def test_sweep_prints_its_counts_and_the_next_command(sweep: Sweep, lab: Lab):
    code, text = sweep()
    assert code == 0
    assert "mine: Which?" in text
    assert "2 trials: 0 finished, 2 to train" in text
    assert "2 finished; 2 trained now" in text
    assert text.endswith("Next: ablab report mine\n")
    assert len(keys(lab)) == 2


def test_next_command_has_the_overrides_that_change_trials(sweep: Sweep):
    _, text = sweep("batch_size=64", "launcher.slots=1", "sweep.seeds=1")
    assert text.endswith("Next: ablab report mine batch_size=64\n")


def test_recorded_command_has_the_allow_options_that_it_needs(
    sweep: Sweep, lab: Lab, tmp_path: Path, sweeps: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without `--allow` the recorded command would be refused."""
    module = "allowed_units"
    (tmp_path / f"{module}.py").write_text("from torch import nn\nclass Own(nn.ReLU):\n    pass\n")
    (tmp_path / "conf/activation").mkdir(parents=True)
    (tmp_path / "conf/activation/own.yaml").write_text(f"# mine\n_target_: {module}.Own\n")
    monkeypatch.setenv("ABLAB_ALLOW", f"{module}, unused_module")
    sweep()
    plan = read_plan(lab.sweep_folder("mine"))
    assert plan is not None
    assert plan.parts[0].command == "ablab sweep mine"
    (sweeps / "mine.yaml").write_text(BODY.replace("tanh", "own"))
    sweep("batch_size=64")
    plan = read_plan(lab.sweep_folder("mine [batch_size=64]"))
    assert plan is not None
    allowed = f"--allow {module} --allow unused_module"
    assert plan.parts[0].command == f"ablab sweep mine {allowed} batch_size=64"
    assert plan.asked_with == "batch_size=64"


def test_repeated_command_trains_nothing(sweep: Sweep, launcher: FakeLauncher):
    sweep()
    launcher.attempts.clear()
    code, text = sweep()
    assert code == 0
    assert "2 finished, 0 to train" in text
    assert not launcher.attempts


def test_trials_of_another_sweep_are_not_trained_again(
    sweep: Sweep, launcher: FakeLauncher, sweeps: Path
):
    sweep()
    (sweeps / "mine.yaml").write_text(BODY.replace("tanh", "elu"))
    launcher.attempts.clear()
    sweep()
    assert len(launcher.attempts) == 1


def test_dry_run_writes_nothing(sweep: Sweep, tmp_path: Path):
    code, text = sweep(dry_run=True)
    assert code == 0
    assert "relu · seed 0" in text
    assert "new" in text
    assert {path.name for path in (tmp_path / "lab").glob("*")} <= {"cache"}


def test_failure_is_exit_code_1_with_reason_and_key(sweep: Sweep, launcher: FakeLauncher, lab: Lab):
    sweep(dry_run=True)
    launcher.default = fail
    code, text = sweep()
    assert code == 1
    assert f"failed: ValueError: no  (ablab show {keys(lab)[0]})" in text
    assert "The same command continues" in text


def test_interrupt_is_exit_code_130(sweep: Sweep, launcher: FakeLauncher):
    launcher.default = keep_running
    launcher.on_wait = lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]
    code, text = sweep()
    assert code == 130
    assert "2 stopped" in text


def test_too_little_disk_space_is_refused_before_training(
    sweep: Sweep, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ablab.disk.free_bytes", lambda _folder: 1000.0)
    with pytest.raises(ResourceError, match="free disk space must be"):
        sweep()
    assert not launcher.attempts


def test_fault_creates_no_lab(sweep: Sweep, tmp_path: Path):
    with pytest.raises(ConfigError):
        sweep("optimizer.lrr=1")
    assert not (tmp_path / "lab").exists()


def test_trials_of_changed_code_count_unless_rerun_changed_is_set(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
):
    sweep()
    (run,) = lab.runs(keys(lab)[0])
    (run.folder / "environment.json").write_text('{"source_hash": "older"}')
    launcher.attempts.clear()
    _, text = sweep()
    assert "1 finished trials come from another version of ablab's code" in text
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


def test_runs_are_logged_with_names_and_tags_and_deleted_ones_trained_again(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
):
    from ablab.tracking.store import Store

    code, text = sweep(offline=False)
    assert code == 0
    assert "Not in MLflow" not in text
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
    code, text = sweep(offline=False)
    assert "1 trials whose runs were deleted in MLflow are trained again" in text
    assert list(launcher.attempts) == [keys(lab)[0]]
    assert [run.number for run in lab.runs(keys(lab)[0])] == ["002"]


def test_unavailable_store_does_not_stop_training(
    sweep: Sweep, lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr("ablab.sweep.deliveries.PATIENCE", 0.5)
    code, text = sweep(offline=False)
    assert code == 0
    assert all(lab.finished(key) for key in keys(lab))
    assert "Not in MLflow yet" in text
    assert "ablab sync" in text
    code, text = sweep(offline=False)
    assert code == 0
    assert "Training continues; ablab sync delivers later" in text


def test_trials_are_trained_again_for_new_probes_and_then_count(
    sweep: Sweep, launcher: FakeLauncher
) -> None:
    sweep()
    _, text = sweep("probes.activations=true")
    assert "2 finished trials lack a requested probe" in text
    assert all(len(runs) == 2 for runs in launcher.attempts.values())
    assert all(t[-1].trial["config"]["probes"]["activations"] for t in launcher.attempts.values())
    sweep("probes.activations=true")
    sweep()
    assert all(len(runs) == 2 for runs in launcher.attempts.values())


def test_trials_of_an_earlier_version_are_trained_again_for_a_metric_that_they_lack(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
) -> None:
    sweep()
    runs = [lab.runs(key)[0] for key in keys(lab)]
    assert all(has_metric(run, "test/accuracy") for run in runs)
    assert not any(has_metric(run, "test/ece") for run in runs)
    assert all(has_metric(run, "test/no_such_metric") for run in runs)  # not trained for ever

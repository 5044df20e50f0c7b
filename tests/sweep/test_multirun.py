"""A multirun trains every combination once, as ordinary trials, with fake processes here."""

import io
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeLauncher, complete, die, fail, keep_running, write_epoch
from rich.console import Console

from ablab.cli import main
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.sweep.multirun import run_multirun
from ablab.sweep.multirun_jobs import plan_multirun
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.environment import source_hash

MLP = ("architecture=mlp", "trainer.max_epochs=1")
Multirun = Callable[..., tuple[int, str]]


def finish(run: Run) -> int:
    (run.folder / "environment.json").write_text(json.dumps({"source_hash": source_hash()}))
    write_epoch(run, 0)
    complete(run)
    return 0


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> FakeLauncher:
    launcher = FakeLauncher()
    launcher.default = finish
    monkeypatch.setattr("ablab.sweep.multirun.make_launcher", lambda _runtime: launcher)
    return launcher


@pytest.fixture
def multirun(launcher: FakeLauncher) -> Multirun:
    def multirun(*overrides: str, offline: bool = True) -> tuple[int, str]:
        console = Console(file=io.StringIO(), width=200)
        code = run_multirun([*MLP, *overrides], offline=offline, console=console)
        assert isinstance(console.file, io.StringIO)
        return code, console.file.getvalue()

    return multirun


def keys(*overrides: str) -> list[str]:
    return [job.cell.key for job in plan_multirun([*MLP, *overrides])]


def faults(*overrides: str) -> Sequence[str]:
    with pytest.raises(ConfigError) as caught:
        plan_multirun([*MLP, *overrides])
    return caught.value.faults


def test_trials_are_those_of_single_commands():
    jobs = plan_multirun([*MLP, "activation=relu,tanh", "optimizer.lr=0.1,0.2", "seed=3,4"])
    expected = {
        (f"{activation} · lr={lr}", seed): resolve(
            compose([*MLP, f"activation={activation}", f"optimizer.lr={lr}", f"seed={seed}"])
        ).key
        for seed in (3, 4)
        for activation in ("relu", "tanh")
        for lr in (0.1, 0.2)
    }
    assert {(j.cell.variant, j.cell.seed): j.cell.key for j in jobs} == expected
    assert [(j.cell.variant, j.cell.seed) for j in jobs] == list(expected)


def test_value_of_a_component_goes_with_each_component_that_is_chosen():
    chosen = keys("optimizer=sgd,rmsprop", "optimizer.momentum=0.5")
    assert chosen == [
        resolve(compose([*MLP, f"optimizer={name}", "optimizer.momentum=0.5"])).key
        for name in ("sgd", "rmsprop")
    ]


def test_one_value_of_each_key_is_one_trial():
    (key,) = keys()
    assert key == resolve(compose(MLP)).key


def test_names_of_trials_that_differ_in_the_seed_alone():
    jobs = plan_multirun([*MLP, "seed=range(2)"])
    assert [(j.cell.variant, j.cell.seed) for j in jobs] == [
        ("digits · mlp", 0),
        ("digits · mlp", 1),
    ]


def test_output_ends_with_results_and_keys(multirun: Multirun):
    code, text = multirun("activation=relu,tanh")
    assert code == 0
    assert text.startswith("multirun: architecture=mlp trainer.max_epochs=1 activation=relu,tanh\n")
    assert "2 trials: 0 finished, 2 to train" in text
    assert "multirun: 2 finished; 2 trained now" in text
    rows = [line.split() for line in text.splitlines()[-2:]]
    assert [row[-1] for row in rows] == keys("activation=relu,tanh")
    assert [row[0] for row in rows] == ["relu", "tanh"]
    assert all("90.00" in row for row in rows)


def test_finished_trials_are_skipped_and_killed_ones_continue(
    multirun: Multirun, launcher: FakeLauncher, lab: Lab
):
    relu, tanh = keys("activation=relu,tanh")
    launcher.scripts = {tanh: [die, die]}
    code, text = multirun("activation=relu,tanh")
    assert code == 1
    assert f"(ablab show {tanh})" in text
    launcher.scripts = {}
    launcher.attempts.clear()
    code, text = multirun("activation=relu,tanh")
    assert code == 0
    assert list(launcher.attempts) == [tanh]
    assert [len(lab.runs(key)) for key in (relu, tanh)] == [1, 1]


def test_failure_is_exit_code_1(multirun: Multirun, launcher: FakeLauncher):
    launcher.scripts = {keys("activation=relu,tanh")[0]: [fail]}
    code, text = multirun("activation=relu,tanh")
    assert code == 1
    assert "relu · seed 0 failed: ValueError: no" in text
    assert "1 finished, 1 failed" in text


def test_interrupted_trials_are_listed(multirun: Multirun, launcher: FakeLauncher):
    launcher.default = keep_running
    launcher.on_wait = lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]
    code, text = multirun("seed=1,2")
    assert code == 130
    assert "2 stopped" in text


def test_runs_are_logged_to_the_experiment_of_trials(multirun: Multirun, lab: Lab):
    from ablab.tracking.store import Store

    code, text = multirun("activation=relu,tanh", offline=False)
    assert code == 0
    assert "Not in MLflow" not in text
    store = Store.open(lab)
    experiment = store.find_experiment("trials").experiment_id
    names = {run.info.run_name for run in store.client.search_runs([experiment])}
    store.close()
    assert names == {"mlp · relu · digits · seed 0", "mlp · tanh · digits · seed 0"}


def test_all_faults_are_listed():
    wrong = ("activation=relu,tahn", "optimizer.lrr=1,2", "seed=-1,2", "launcher.slots=1,2")
    lines = faults(*wrong)
    subjects = ["seed", "activation", "optimizer.lrr", "launcher.slots"]
    assert [line.split(" ")[0] for line in lines] == subjects
    assert "got tahn (did you mean tanh?)" in lines[1]
    assert "one value for all trials, got [1, 2]" in lines[3]


def test_faults_of_single_values_and_of_several_are_listed_together():
    lines = faults("+x=1", "lr=0.1", "activation=relu,tahn")
    subjects = ["override", "lr", "activation"]
    assert [line.split(" ")[0] for line in lines] == subjects


def test_fault_of_some_combinations_names_them():
    (line,) = faults("activation=relu,tanh", "batch_size=32,0")
    assert line.startswith("batch_size must be an integer >= 1 or full, got 0 (")
    assert "relu · batch_size=0, tanh · batch_size=0" in line


def test_fixed_key_that_no_chosen_component_has_is_refused():
    (line,) = faults("optimizer=adam,adamw", "optimizer.momentum=0.5")
    assert line.startswith("optimizer.momentum must be one of ")


def test_too_many_trials_are_refused():
    (line,) = faults("seed=range(200)", "batch_size=range(1,200)")
    assert line.startswith("multirun must be at most 20,000 trials")
    assert line.endswith("got 39,800")


def test_same_trial_twice_is_refused(tmp_path: Path):
    for name in ("one", "two"):
        images = {"images": np.zeros((20, 8, 8), np.uint8), "labels": np.arange(20) % 2}
        parts = {f"{p}_{kind}": a for p in ("train", "test") for kind, a in images.items()}
        np.savez(tmp_path / f"{name}.npz", **parts)
    paths = f"dataset.path={tmp_path}/one.npz,{tmp_path}/two.npz"
    (line,) = faults("dataset=folder", "dataset.image_size=8", "batch_size=4", paths)
    assert line.startswith("multirun must train different trials, got the same for ")


@pytest.mark.parametrize("option", ["-m", "--multirun"])
def test_command_passes_the_overrides_on(
    option: str, launcher: FakeLauncher, lab: Lab, capsys: pytest.CaptureFixture[str]
):
    assert main(["train", option, "--offline", *MLP, "seed=1,2"]) == 0
    assert len(launcher.attempts) == 2
    assert "2 finished" in capsys.readouterr().out


def test_fresh_runs_of_several_trials_are_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["train", "-m", "--fresh", "seed=1,2"]) == 2
    assert "--fresh must be given for one trial, got --multirun" in capsys.readouterr().err


def test_several_values_without_the_option_name_it(capsys: pytest.CaptureFixture[str]):
    assert main(["train", "activation=relu,tanh"]) == 2
    assert "`ablab train -m`" in capsys.readouterr().err

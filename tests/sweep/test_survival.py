"""Real trials that are killed within an epoch: the same command repairs everything."""

import os
import signal
from pathlib import Path

import pytest
from real_sweeps import STEERED, Workplace, descendants, is_gone, server_of, until

from ablab.tracking.journal import same_metrics
from ablab.tracking.plan import read_plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes under /proc"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    workplace = Workplace(tmp_path_factory.mktemp("undisturbed"))
    status, output = workplace.run()
    assert status == 0, output
    return workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path / "workplace")


def assert_same(
    workplace: Workplace, undisturbed: Workplace, *, attempts: int, trials: int = 2, epochs: int = 4
) -> None:
    """Check that every trial is there once, in one run, with the undisturbed one\'s metrics."""
    expected = {run.key: run for run in undisturbed.runs()}
    assert len(expected) == trials
    assert sorted(expected) == sorted(run.key for run in workplace.runs())
    for run in workplace.runs():
        mine, other = run.completion, expected[run.key].completion
        assert mine is not None
        assert other is not None
        assert same_metrics(mine.metrics, other.metrics)
        pairs = [[e for e in t.entries() if e.kind == "epoch"] for t in (run, expected[run.key])]
        assert len(pairs[0]) == len(pairs[1]) == epochs
        assert all(same_metrics(a.metrics, b.metrics) for a, b in zip(*pairs, strict=True))
        assert sum(entry.kind == "attempt" for entry in run.entries()) == attempts


def test_killed_trials_resume_within_the_sweep(workplace: Workplace, undisturbed: Workplace):
    workplace.slow(True)
    with workplace.sweep() as process:
        until(workplace.is_in_an_epoch)
        for trial in descendants(server_of(process), ""):
            os.kill(trial, signal.SIGKILL)
        workplace.slow(False)
        output = process.end()
    assert process.status == 0, output
    assert output.count("started again") == 2
    assert_same(workplace, undisturbed, attempts=2)


def test_sweep_survives_its_server(workplace: Workplace, undisturbed: Workplace):
    workplace.slow(True)
    with workplace.sweep() as process:
        until(workplace.is_in_an_epoch)
        os.kill(server_of(process), signal.SIGKILL)
        workplace.slow(False)
        output = process.end()
    assert process.status == 0, output
    assert_same(workplace, undisturbed, attempts=1)


def test_killed_sweep_ends_its_trials_and_the_same_command_finishes_it(
    workplace: Workplace, undisturbed: Workplace
):
    workplace.slow(True)
    with workplace.sweep() as process:
        until(workplace.is_in_an_epoch)
        server = server_of(process)
        process.kill()
        until(lambda: not any(run.is_locked() for run in workplace.runs()), 20)
        until(lambda: is_gone(server), 20)
    assert not any(run.completion for run in workplace.runs())
    workplace.slow(False)
    status, output = workplace.run()
    assert status == 0, output
    assert_same(workplace, undisturbed, attempts=2)
    status, output = workplace.run()
    assert "2 finished, 0 to train" in output


def test_two_concurrent_sweeps_train_each_trial_once(workplace: Workplace, undisturbed: Workplace):
    workplace.slow(True)
    with workplace.sweep() as first, workplace.sweep() as second:
        until(workplace.is_in_an_epoch)
        workplace.slow(False)
        output = [process.end() for process in (first, second)]
        assert [first.status, second.status] == [0, 0], output
    assert_same(workplace, undisturbed, attempts=1)


def test_ctrl_c_stops_at_a_checkpoint_and_the_same_command_continues(
    workplace: Workplace, undisturbed: Workplace
):
    workplace.slow(True)
    with workplace.sweep() as process:
        until(workplace.is_in_an_epoch)
        process.interrupt()
        output = process.end()
    assert process.status == 130, output
    assert "The same command continues" in output
    assert [run.status() for run in workplace.runs()] == ["stopped"] * 2
    workplace.slow(False)
    assert workplace.run()[0] == 0
    assert_same(workplace, undisturbed, attempts=2)


def test_trial_that_raises_fails_alone_and_the_same_command_retries_it(
    workplace: Workplace, undisturbed: Workplace
):
    (workplace.folder / "raise-32").touch()
    status, output = workplace.run()
    assert status == 1, output
    assert "RuntimeError: on request" in output
    assert "1 finished, 1 failed" in output
    assert {run.status() for run in workplace.runs()} == {"finished", "failed"}
    (workplace.folder / "raise-32").unlink()
    assert workplace.run()[0] == 0
    assert all(run.completion for run in workplace.runs())
    assert len(workplace.runs()) == 2


def test_component_edited_during_a_sweep_is_refused_and_then_gives_new_trials(workplace: Workplace):
    source = workplace.folder / "steered.py"
    workplace.slow(True)
    with workplace.sweep("launcher.slots=1") as process:
        until(workplace.runs)
        source.write_text(STEERED + "# edited\n")
        workplace.slow(False)
        output = process.end()
    assert process.status == 1, output
    assert "must be as it was when the trial was planned" in output
    before = {run.key for run in workplace.runs()}
    status, output = workplace.run()
    assert status == 0, output
    assert "a new comparison begins" in output
    assert before.isdisjoint(run.key for run in workplace.runs())


LOOKS = "sweep.seeds={first: 3, then: [4], until: decided, futility: null}"


def history(workplace: Workplace) -> list[object]:
    """Return the parts of the plan, and the results of each trial with its number of runs."""
    plan = read_plan(workplace.lab.sweep_folder("mine"))
    assert plan is not None
    parts = [(part.kind, [cell.id for cell in part.cells]) for part in plan.parts]
    results = [workplace.lab.result(cell.key) for cell in plan.cells]
    metrics = [None if result is None else dict(result[1].metrics) for result in results]
    return [parts, metrics, len(workplace.runs())]


def has_two_parts(workplace: Workplace) -> bool:
    plan = read_plan(workplace.lab.sweep_folder("mine"))
    return plan is not None and len(plan.parts) > 1


@pytest.fixture(scope="module")
def looked_twice(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    workplace = Workplace(tmp_path_factory.mktemp("looked"))
    status, output = workplace.run(LOOKS)
    assert status == 0, output
    assert has_two_parts(workplace)
    return workplace


@pytest.mark.parametrize("when", ["the first look is due", "the second look is planned"])
def test_a_sweep_killed_between_two_looks_has_the_undisturbed_history(
    workplace: Workplace, looked_twice: Workplace, when: str
):
    with workplace.sweep(LOOKS) as process:
        if when == "the first look is due":
            until(lambda: len([run for run in workplace.runs() if run.completion]) == 6)
        else:
            until(lambda: has_two_parts(workplace))
        process.kill()
        until(lambda: not any(run.is_locked() for run in workplace.runs()), 20)
    status, output = workplace.run(LOOKS)
    assert status == 0, output
    assert history(workplace) == history(looked_twice)


FUSED = """# @package _global_
defaults:
  - override /architecture: mlp
backend: fused
trainer: {max_epochs: 60}
launcher: {fuse: 4}
sweep:
  question: Do trials that train together survive?
  kind: best
  seeds: 2
  grid: {optimizer.lr: [0.001, 0.003]}
"""


@pytest.fixture(scope="module")
def undisturbed_together(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    workplace = Workplace(tmp_path_factory.mktemp("together"), FUSED)
    status, output = workplace.run()
    assert status == 0, output
    return workplace


@pytest.mark.parametrize("killed", ["the process of the trials", "the sweep"])
def test_trials_that_train_together_resume(
    tmp_path: Path, undisturbed_together: Workplace, killed: str
):
    workplace = Workplace(tmp_path / "workplace", FUSED)
    with workplace.sweep() as process:
        until(lambda: workplace.is_in_an_epoch(4))
        if killed == "the sweep":
            process.kill()
            until(lambda: not any(run.is_locked() for run in workplace.runs()), 20)
        else:
            for child in descendants(server_of(process), ""):
                os.kill(child, signal.SIGKILL)
            output = process.end()
            assert process.status == 0, output
    assert any(run.completion for run in workplace.runs()) == (killed != "the sweep")
    status, output = workplace.run()
    assert status == 0, output
    assert_same(workplace, undisturbed_together, attempts=2, trials=4, epochs=60)

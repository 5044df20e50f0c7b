"""Real trials, killed in mid-epoch with whatever runs them: the same command mends it all."""

import os
import signal
from pathlib import Path

import pytest
from real_sweeps import STEERED, Workplace, descendants, is_gone, server_of, until

from ablab.tracking.journal import same_metrics

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes under /proc"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace(tmp_path_factory.mktemp("undisturbed"))
    status, said = place.run()
    assert status == 0, said
    return place


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path / "place")


def assert_same(place: Workplace, undisturbed: Workplace, *, attempts: int) -> None:
    """Check that every trial is there once, in one run, with the undisturbed one's figures."""
    expected = {run.key: run for run in undisturbed.runs()}
    assert len(expected) == 2
    assert sorted(expected) == sorted(run.key for run in place.runs())
    for run in place.runs():
        mine, other = run.completion, expected[run.key].completion
        assert mine is not None
        assert other is not None
        assert same_metrics(mine.metrics, other.metrics)
        pairs = [[e for e in t.entries() if e.kind == "epoch"] for t in (run, expected[run.key])]
        assert len(pairs[0]) == len(pairs[1]) == 4
        assert all(same_metrics(a.metrics, b.metrics) for a, b in zip(*pairs, strict=True))
        assert sum(entry.kind == "attempt" for entry in run.entries()) == attempts


def test_killed_trials_resume_within_the_sweep(place: Workplace, undisturbed: Workplace):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        for trial in descendants(server_of(process), ""):
            os.kill(trial, signal.SIGKILL)
        place.slow(False)
        said = process.end()
    assert process.status == 0, said
    assert said.count("tried again") == 2
    assert_same(place, undisturbed, attempts=2)


def test_sweep_survives_its_server(place: Workplace, undisturbed: Workplace):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        os.kill(server_of(process), signal.SIGKILL)
        place.slow(False)
        said = process.end()
    assert process.status == 0, said
    assert_same(place, undisturbed, attempts=1)


def test_killed_sweep_runs_its_trials_along_and_is_finished_by_the_same_command(
    place: Workplace, undisturbed: Workplace
):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        server = server_of(process)
        process.kill()
        until(lambda: not any(run.is_locked() for run in place.runs()), 20)
        until(lambda: is_gone(server), 20)
    assert not any(run.completion for run in place.runs())
    place.slow(False)
    status, said = place.run()
    assert status == 0, said
    assert_same(place, undisturbed, attempts=2)
    status, said = place.run()
    assert "2 finished, 0 to train" in said


def test_two_sweeps_side_by_side_train_each_trial_once(place: Workplace, undisturbed: Workplace):
    place.slow(True)
    with place.sweep() as first, place.sweep() as second:
        until(place.is_under_way)
        place.slow(False)
        said = [process.end() for process in (first, second)]
        assert [first.status, second.status] == [0, 0], said
    assert_same(place, undisturbed, attempts=1)


def test_ctrl_c_stops_behind_a_checkpoint_and_the_same_command_goes_on(
    place: Workplace, undisturbed: Workplace
):
    place.slow(True)
    with place.sweep() as process:
        until(place.is_under_way)
        process.interrupt()
        said = process.end()
    assert process.status == 130, said
    assert "The same command again goes on" in said
    assert [run.status() for run in place.runs()] == ["stopped"] * 2
    place.slow(False)
    assert place.run()[0] == 0
    assert_same(place, undisturbed, attempts=2)


def test_trial_that_raises_fails_alone_and_is_mended_by_the_same_command(
    place: Workplace, undisturbed: Workplace
):
    (place.folder / "raise-32").touch()
    status, said = place.run()
    assert status == 1, said
    assert "RuntimeError: told to" in said
    assert "1 finished, 1 failed" in said
    assert {run.status() for run in place.runs()} == {"finished", "failed"}
    (place.folder / "raise-32").unlink()
    assert place.run()[0] == 0
    assert all(run.completion for run in place.runs())
    assert len(place.runs()) == 2


def test_component_edited_during_a_sweep_is_refused_and_afterwards_is_new_trials(place: Workplace):
    source = place.folder / "steered.py"
    place.slow(True)
    with place.sweep("launcher.slots=1") as process:
        until(place.runs)
        source.write_text(STEERED + "# edited\n")
        place.slow(False)
        said = process.end()
    assert process.status == 1, said
    assert "must be as it was when the trial was planned" in said
    before = {run.key for run in place.runs()}
    status, said = place.run()
    assert status == 0, said
    assert "a new comparison begins" in said
    assert before.isdisjoint(run.key for run in place.runs())

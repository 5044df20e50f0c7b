"""Runs that train together have the records of runs that train alone."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from train_process import CPU, SMALL, kinds, results

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.errors import FAILED, FINISHED, LOCKED
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import CHECKPOINT, LOG, Run
from ablab.training.fused import process
from ablab.training.fused.member import Member
from ablab.training.process import run_process
from ablab.training.recorder import Recorder
from ablab.training.settings import ProcessSettings

FUSED = (*SMALL, "backend=fused")
SETTINGS = ProcessSettings(CPU)
Begin = Callable[..., Run]


def begin(lab: Lab, *overrides: str) -> Run:
    return lab.new_run(resolve(compose([*FUSED, *overrides])).as_dict())


def train(*runs: Run) -> int:
    companions = tuple(str(run.folder) for run in runs[1:])
    return run_process(runs[0].folder, replace(SETTINGS, companions=companions))


@pytest.fixture
def lab() -> Lab:
    return Lab.open()


@pytest.fixture
def undisturbed(lab: Lab) -> list[dict[str, Any]]:
    """Return the results of seeds 2, 1 and 0, in the order of the seeds."""
    runs = [begin(lab, f"seed={seed}") for seed in (2, 1, 0)]
    assert train(*runs) == FINISHED
    return [results(run) for run in reversed(runs)]


def assert_close(run: Run, expected: dict[str, Any]) -> None:
    """Compare the losses of a run that trained alone, which differ by rounding."""
    found = results(run)["epochs"]
    assert len(found) == len(expected["epochs"]) == 3
    for (_, own), (_, other) in zip(found, expected["epochs"], strict=True):
        assert own["train/loss"] == pytest.approx(other["train/loss"], rel=1e-3)


def begin_again(lab: Lab, *seeds: int) -> list[Run]:
    return [begin(lab, f"seed={seed}") for seed in seeds]


def test_each_run_has_the_records_of_its_own_trial(lab: Lab, undisturbed: list[dict[str, Any]]):
    runs = begin_again(lab, 0, 1, 2)
    assert train(*runs) == FINISHED
    assert [results(run) for run in runs] == undisturbed
    assert len({run.completion.metrics["val/loss"] for run in runs if run.completion}) == 3
    for run in runs:
        assert kinds(run) == ["attempt", "epoch", "epoch", "epoch"]
        assert not (run.folder / CHECKPOINT).exists()
        environment = json.loads((run.folder / "environment.json").read_text())
        assert environment["trained_together"] == 3


@pytest.mark.parametrize(
    "overrides", [[], ["scheduler=plateau"], ["optimizer=schedule_free", "scheduler=constant"]]
)
def test_histories_follow_those_of_lightning(lab: Lab, overrides: list[str]):
    double = ["trainer.precision=64-true", *overrides]
    runs = [begin(lab, f"seed={seed}", *double) for seed in (0, 1)]
    assert train(*runs) == FINISHED
    for run in runs:
        seed = f"seed={run.trial['config']['seed']}"
        other = lab.new_run(resolve(compose([*SMALL, seed, *double])).as_dict())
        assert run_process(other.folder, SETTINGS) == FINISHED
        assert other.key != run.key
        for own, expected in zip(epochs(run), epochs(other), strict=True):
            assert own.metrics == pytest.approx(expected.metrics, rel=1e-6)
            assert own.measured.keys() == expected.measured.keys()
        assert run.completion is not None
        assert other.completion is not None
        assert run.completion.metrics == pytest.approx(other.completion.metrics, rel=1e-6)
        assert run.completion.artifacts.keys() == other.completion.artifacts.keys()
        assert run.completion.metadata == other.completion.metadata


def epochs(run: Run) -> list[Entry]:
    return [entry for entry in run.entries() if entry.kind == "epoch"]


def test_a_run_alone_differs_by_rounding(lab: Lab, undisturbed: list[dict[str, Any]]):
    for run, expected in zip(begin_again(lab, 0, 1), undisturbed, strict=False):
        assert train(run) == FINISHED
        assert_close(run, expected)


def test_one_that_diverges_leaves_the_others_alone(lab: Lab, undisturbed: list[dict[str, Any]]):
    first, last = begin_again(lab, 0, 2)
    wild = begin(lab, "seed=1", "optimizer.lr=1e30", "scheduler=constant")
    steady = begin(lab, "seed=1")
    assert train(first, last, steady) == FINISHED
    assert results(steady) == undisturbed[1]
    again = begin_again(lab, 0, 2)
    assert train(again[0], wild, again[1]) == FINISHED
    assert [results(run) for run in again] == [undisturbed[0], undisturbed[2]]
    assert wild.completion is not None
    assert wild.completion.outcome == "diverged"
    assert "diverged" in kinds(wild)


class KilledError(BaseException):
    """Ends a training as a kill would: nothing is recorded."""


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int, before: str) -> None:
    """Raise in the ``at``-th record of an epoch, before the checkpoint or before the journal."""
    count = 0
    record = Recorder.record

    def interrupted(self: Recorder, entry: Entry, *arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == at and before == "checkpoint":
            raise KilledError
        if count == at:
            monkeypatch.setattr(self.logger, "write", lambda _entry: _raise())
        record(self, entry, *arguments)

    monkeypatch.setattr(Recorder, "record", interrupted)


def _raise() -> None:
    raise KilledError


@pytest.mark.parametrize("before", ["checkpoint", "journal"])
@pytest.mark.parametrize("at", [1, 2, 5, 6, 8])
def test_killed_runs_resume_each_from_its_own_epoch(
    lab: Lab,
    undisturbed: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    at: int,
    before: str,
):
    runs = begin_again(lab, 0, 1, 2)
    with monkeypatch.context() as patch:
        interrupt(patch, at, before)
        with pytest.raises(KilledError):
            train(*runs)
    assert len({len(epochs(run)) for run in runs}) == (1 if at % 3 == 1 else 2)
    assert train(*runs) == FINISHED
    assert [results(run) for run in runs] == undisturbed


def test_a_run_joins_others_at_another_epoch(lab: Lab, undisturbed: list[dict[str, Any]]):
    first, second, third = begin_again(lab, 0, 1, 2)
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 2, "checkpoint")
        with pytest.raises(KilledError):
            train(first)
    assert len(epochs(first)) == 1
    assert train(second, first, third) == FINISHED
    assert [results(run) for run in (second, third)] == undisturbed[1:]
    assert_close(first, undisturbed[0])  # its first epoch was trained alone


def test_sigterm_is_recorded_in_each_run(
    lab: Lab, undisturbed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    runs = begin_again(lab, 0, 1, 2)
    record = Recorder.record

    def terminated(self: Recorder, entry: Entry, *arguments: Any) -> None:
        record(self, entry, *arguments)
        if entry.epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "record", terminated)
        assert train(*runs) == 128 + signal.SIGTERM
    assert [kinds(run)[-1] for run in runs] == ["stopped"] * 3
    assert train(*runs) == FINISHED
    assert [results(run) for run in runs] == undisturbed


def test_a_run_that_fails_leaves_the_others_alone(
    lab: Lab, undisturbed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    runs = begin_again(lab, 0, 1, 2)
    begin_member = Member.__init__

    def fail_second(self: Member, training: Any) -> None:
        if training.config["seed"] == 1:
            raise ValueError("not this one")
        begin_member(self, training)

    monkeypatch.setattr(Member, "__init__", fail_second)
    assert train(*runs) == FAILED
    assert [results(run) for run in (runs[0], runs[2])] == [undisturbed[0], undisturbed[2]]
    assert kinds(runs[1]) == ["attempt", "failed"]
    assert "not this one" in (runs[1].folder / LOG).read_text()
    assert "not this one" not in (runs[0].folder / LOG).read_text()


def test_an_error_in_a_step_is_recorded_in_each_run(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    def fail(*_arguments: Any) -> None:
        raise RuntimeError("no step")

    monkeypatch.setattr("ablab.model.fused.network.FusedNetwork.gather_gradients", fail)
    runs = begin_again(lab, 0, 1)
    assert train(*runs) == FAILED
    assert [run.entries()[-1].note["error"] for run in runs] == ["RuntimeError: no step"] * 2


def test_a_run_that_is_locked_or_finished_is_left_out(
    lab: Lab, undisturbed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "LOCK_SECONDS", 0.01)
    runs = begin_again(lab, 0, 1, 2)
    assert train(runs[2]) == FINISHED
    with runs[0].lock():
        assert train(runs[0]) == LOCKED
        assert train(*runs) == FINISHED
    assert runs[0].completion is None
    for run, expected in zip(runs[1:], undisturbed[1:], strict=True):  # each trained alone
        assert_close(run, expected)


def test_a_damaged_journal_fails_its_own_run(lab: Lab, undisturbed: list[dict[str, Any]]):
    runs = begin_again(lab, 0, 1)
    Journal(runs[0].journal).append(Entry("attempt", 0.0))
    runs[0].journal.write_text("no journal\n" + runs[0].journal.read_text())
    assert train(*runs) == FAILED
    assert_close(runs[1], undisturbed[1])
    assert runs[0].completion is None

"""A trial that is killed at any point and resumed equals an undisturbed one."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import train_process
from train_process import kinds, results, train_in_subprocess

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import CHECKPOINT, Run

KILLS = [
    train_process.killed_during_an_epoch,
    train_process.killed_between_best_weights_and_checkpoint,
    train_process.killed_before_the_checkpoint_is_in_place,
    train_process.killed_between_checkpoint_and_journal,
    train_process.killed_after_the_journal,
    train_process.killed_after_the_last_epoch,
    train_process.killed_before_the_completion,
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict:
    root = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLAB_HOME", str(root))
        run = Lab.open(root).new_run(resolve(compose(train_process.SMALL)).as_dict())
        assert train_in_subprocess(run) == 0
    return results(run)


def test_two_runs_are_bit_equal(begin: Callable[..., Run], undisturbed: dict) -> None:
    run = begin()
    assert train_in_subprocess(run) == 0
    assert results(run) == undisturbed
    assert len(undisturbed["epochs"]) == 3
    assert {"val/accuracy", "train/loss", "lr"} <= undisturbed["epochs"][0][1].keys()
    assert {"test/accuracy", "test/accuracy_last"} <= undisturbed["metrics"].keys()


def test_another_seed_has_other_results(begin: Callable[..., Run], undisturbed: dict) -> None:
    run = begin("seed=1")
    assert train_in_subprocess(run) == 0
    assert results(run)["epochs"] != undisturbed["epochs"]


@pytest.mark.parametrize("disturbance", KILLS, ids=lambda disturbance: disturbance.__name__)
def test_a_resumed_trial_is_bit_equal(
    begin: Callable[..., Run], undisturbed: dict, disturbance: train_process.Disturbance, lab: Lab
) -> None:
    run = begin()
    assert train_in_subprocess(run, disturbance) == -signal.SIGKILL
    assert run.completion is None
    assert run.status() == "stopped"
    assert train_in_subprocess(run) == 0
    assert results(run) == undisturbed
    assert kinds(run).count("attempt") == 2
    assert [t.number for t in lab.runs(run.key)] == ["001"]


def test_a_trial_resumed_several_times_is_bit_equal(
    begin: Callable[..., Run], undisturbed: dict
) -> None:
    run = begin()
    for disturbance in (KILLS[0], KILLS[1], KILLS[3], KILLS[6]):
        assert train_in_subprocess(run, disturbance) == -signal.SIGKILL
    assert train_in_subprocess(run) == 0
    assert results(run) == undisturbed


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no checkpoint at all"),
        _flip_a_byte,
        Path.unlink,
    ],
    ids=["truncated", "empty", "foreign", "flipped", "gone"],
)
def test_without_a_valid_checkpoint_it_restarts_and_repeats(
    begin: Callable[..., Run], undisturbed: dict, damage: Callable[[Path], object]
) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.killed_after_the_journal) == -signal.SIGKILL
    damage(run.folder / CHECKPOINT)
    assert train_in_subprocess(run) == 0
    assert results(run) == undisturbed


def test_an_epoch_that_does_not_repeat_is_reported(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.killed_after_the_journal) == -signal.SIGKILL
    (run.folder / CHECKPOINT).unlink()
    entries = run.entries()
    run.journal.unlink()
    journal = Journal(run.journal)
    for entry in entries:
        if entry.epoch == 0:
            entry.metrics["train/loss"] += 1e-7
        journal.append(entry)
    assert train_in_subprocess(run) == 1
    assert run.completion is None
    assert "epoch 0 must repeat bit for bit" in run.entries()[-1].note["error"]

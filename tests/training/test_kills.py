"""A trial that is killed anywhere and continued is the trial that nothing happened to."""

import signal
from collections.abc import Callable
from pathlib import Path

import attempts
import pytest
from attempts import attempt, kinds, shown

from ablab.config.compose import compose
from ablab.config.trial import freeze
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab, Take
from ablab.training.recorder import CHECKPOINT

KILLS = [
    attempts.killed_in_mid_epoch,
    attempts.killed_between_best_weights_and_checkpoint,
    attempts.killed_before_the_checkpoint_is_in_place,
    attempts.killed_between_checkpoint_and_journal,
    attempts.killed_behind_the_journal,
    attempts.killed_behind_the_last_epoch,
    attempts.killed_before_the_completion,
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict:
    root = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLAB_HOME", str(root))
        take = Lab.open(root).new_take(freeze(compose(attempts.SMALL)).as_dict())
        assert attempt(take) == 0
    return shown(take)


def test_two_takes_are_bit_equal(begin: Callable[..., Take], undisturbed: dict) -> None:
    take = begin()
    assert attempt(take) == 0
    assert shown(take) == undisturbed
    assert len(undisturbed["epochs"]) == 3
    assert {"val/accuracy", "train/loss", "lr"} <= undisturbed["epochs"][0][1].keys()
    assert {"test/accuracy", "test/accuracy_last"} <= undisturbed["metrics"].keys()


def test_another_seed_is_another_trial(begin: Callable[..., Take], undisturbed: dict) -> None:
    take = begin("seed=1")
    assert attempt(take) == 0
    assert shown(take)["epochs"] != undisturbed["epochs"]


@pytest.mark.parametrize("mishap", KILLS, ids=lambda mishap: mishap.__name__)
def test_killed_and_continued_is_bit_equal(
    begin: Callable[..., Take], undisturbed: dict, mishap: attempts.Mishap, lab: Lab
) -> None:
    take = begin()
    assert attempt(take, mishap) == -signal.SIGKILL
    assert take.completion is None
    assert take.status() == "stopped"
    assert attempt(take) == 0
    assert shown(take) == undisturbed
    assert kinds(take).count("attempt") == 2
    assert [t.number for t in lab.takes(take.key)] == ["001"]


def test_killed_again_and_again_is_bit_equal(begin: Callable[..., Take], undisturbed: dict) -> None:
    take = begin()
    for mishap in (KILLS[0], KILLS[1], KILLS[3], KILLS[6]):
        assert attempt(take, mishap) == -signal.SIGKILL
    assert attempt(take) == 0
    assert shown(take) == undisturbed


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
def test_without_its_checkpoint_it_starts_again_and_repeats(
    begin: Callable[..., Take], undisturbed: dict, damage: Callable[[Path], object]
) -> None:
    take = begin()
    assert attempt(take, attempts.killed_behind_the_journal) == -signal.SIGKILL
    damage(take.folder / CHECKPOINT)
    assert attempt(take) == 0
    assert shown(take) == undisturbed


def test_epoch_that_does_not_repeat_is_told(begin: Callable[..., Take]) -> None:
    take = begin()
    assert attempt(take, attempts.killed_behind_the_journal) == -signal.SIGKILL
    (take.folder / CHECKPOINT).unlink()
    entries = take.entries()
    take.journal.unlink()
    journal = Journal(take.journal)
    for entry in entries:
        if entry.epoch == 0:
            entry.metrics["train/loss"] += 1e-7
        journal.append(entry)
    assert attempt(take) == 1
    assert take.completion is None
    assert "epoch 0 must repeat bit for bit" in take.entries()[-1].note["error"]

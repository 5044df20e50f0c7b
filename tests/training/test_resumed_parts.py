"""A killed trial resumes bit-equal with any state of optimizer and scheduler."""

import signal
from collections.abc import Callable

import pytest
import train_process
from train_process import results, train_in_subprocess

from ablab.tracking.run import Run

PLATEAU = ("scheduler=plateau", "scheduler.patience=0", "scheduler.threshold=0.9")
LBFGS = ("optimizer=lbfgs", "optimizer.max_iter=4", "scheduler=constant", "regularizer=l2")
QUICK = [
    ("optimizer=schedule_free", "augmentation=mixup"),
    ("optimizer=muon", "regularizer=max_norm", "augmentation=cutmix", *PLATEAU),
    LBFGS,
]
SLOW = [
    *((f"optimizer={name}",) for name in ("lion", "adamw", "nadam", "radam", "adamax", "rmsprop")),
    ("optimizer=nesterov", "regularizer=l1", *PLATEAU),
    ("scheduler=multi_step", "augmentation=cutout"),
    ("scheduler=warmup", "augmentation=rotation"),
    ("scheduler=exponential", "loss=focal"),
    ("scheduler=step", "loss=half_squared_error"),
]


@pytest.mark.parametrize(
    "overrides",
    [*QUICK, *(pytest.param(overrides, marks=pytest.mark.slow) for overrides in SLOW)],
    ids=lambda overrides: overrides[0],
)
def test_a_resumed_trial_is_bit_equal(
    begin: Callable[..., Run], overrides: tuple[str, ...]
) -> None:
    undisturbed, killed = begin(*overrides), begin(*overrides)
    assert train_in_subprocess(undisturbed) == 0
    assert train_in_subprocess(killed, train_process.killed_after_the_journal) == -signal.SIGKILL
    assert train_in_subprocess(killed) == 0
    assert len(results(killed)["epochs"]) == 3
    assert results(killed) == results(undisturbed)


def test_plateau_reduces_the_lr_of_the_next_epoch(begin: Callable[..., Run]) -> None:
    run = begin("optimizer=sgd", "optimizer.lr=0.001", *PLATEAU)
    assert train_in_subprocess(run) == 0
    lrs = [metrics["lr"] for _, metrics in results(run)["epochs"]]
    assert lrs == pytest.approx([0.001, 0.001, 0.0001])


def test_the_penalty_is_in_the_journal(begin: Callable[..., Run]) -> None:
    run = begin("regularizer=l2", "trainer.max_epochs=1")
    assert train_in_subprocess(run) == 0
    ((_, metrics),) = results(run)["epochs"]
    assert metrics["train/penalty"] > 0

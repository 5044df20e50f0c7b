"""The direct steps of an epoch are Lightning's, bit by bit, and leave the same checkpoint."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers.logger import DummyLogger

from ablab.config.compose import compose
from ablab.data.module import InMemoryDataModule
from ablab.model import build
from ablab.training import step_loop
from ablab.training.settings import Devices
from ablab.training.step_loop import StepLoop
from ablab.training.trainer import trainer

MLP = ("architecture=mlp", "architecture.widths=[16,8]", "normalization=batch", "batch_size=100")
STEPS = 11  # an epoch of the digits
CASES = [
    ("optimizer=adam", "dropout=dropout"),
    ("optimizer=adamw", "scheduler=one_cycle", "trainer.gradient_clip_val=0.1"),
    ("optimizer=nesterov", "regularizer=max_norm", "scheduler=plateau"),
    ("optimizer=lbfgs", "optimizer.max_iter=3", "regularizer=l2"),
    ("optimizer=schedule_free", "augmentation=mixup"),
    ("optimizer=rmsprop", "trainer.precision=bf16-mixed", "scheduler=cosine"),
    ("optimizer=adam", "trainer.precision=bf16-true"),
    ("optimizer=sgd", "freeze=[layers.1]"),
]


class Steps(pl.Callback):
    """Counts the steps, and may stop after one."""

    def __init__(self, stop_after: int = -1) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self._last = stop_after

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, index: int
    ) -> None:
        self.started.append(index)

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        self.ended.append(index)
        trainer.should_stop = index == self._last


class InnerHook(pl.Callback):
    """Has a hook inside the step."""

    calls = 0

    def on_after_backward(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.calls += 1


def _fit(
    overrides: tuple[str, ...],
    folder: Path,
    *,
    direct: bool,
    callback: pl.Callback | None = None,
    tested: list[Any] | None = None,
) -> tuple[pl.Trainer, dict[str, Any]]:
    """Train two epochs, and return the Trainer and its checkpoint; ``tested`` gets a test's."""
    config = compose([*MLP, *overrides]).resolved()
    config["trainer"] |= {"max_epochs": 2}
    data = build.datamodule(config)
    assert isinstance(data, InMemoryDataModule)
    data.eval_batch_size = 50  # several batches between the first and the last
    callbacks = [Checkpoint(), *([] if callback is None else [callback])]
    with pytest.MonkeyPatch.context() as patch:
        if not direct:
            patch.setattr("ablab.training.trainer.use_direct_steps", lambda trainer: None)
        fitter = trainer(config["trainer"], Devices("cpu"), folder, DummyLogger(), callbacks)
    assert isinstance(fitter.fit_loop.epoch_loop, StepLoop) == direct
    module = build.classifier(config, data)
    fitter.fit(module, data)
    if tested is not None:
        (metrics,) = fitter.test(module, data, verbose=False)
        outputs = module.predicted, module.confidence, module.mistakes.images
        tested.append((metrics, *outputs))
    fitter.save_checkpoint(folder / "last.ckpt", weights_only=False)
    return fitter, torch.load(folder / "last.ckpt", weights_only=True)


def _assert_equal(value: Any, other: Any, path: str = "checkpoint") -> None:
    assert type(value) is type(other), path
    if isinstance(value, dict):
        assert value.keys() == other.keys(), path
        for key in value:
            _assert_equal(value[key], other[key], f"{path}/{key}")
    elif isinstance(value, list | tuple):
        assert len(value) == len(other), path
        for number, pair in enumerate(zip(value, other, strict=True)):
            _assert_equal(*pair, f"{path}/{number}")
    elif isinstance(value, torch.Tensor):
        assert torch.equal(value, other), path
    else:
        assert value == other, path


@pytest.mark.parametrize("overrides", CASES, ids=" ".join)
def test_checkpoint_and_metrics_are_lightnings(
    overrides: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = StepLoop._run_directly
    counts: list[int] = []
    monkeypatch.setattr(
        StepLoop,
        "_run_directly",
        lambda self, fetcher, count: (counts.append(count), run(self, fetcher, count)),
    )
    ours, saved = _fit(overrides, tmp_path, direct=True)
    assert counts == [STEPS - 2] * 2
    theirs, expected = _fit(overrides, tmp_path, direct=False)
    assert counts == [STEPS - 2] * 2
    _assert_equal(saved, expected)
    _assert_equal(dict(ours.callback_metrics), dict(theirs.callback_metrics))
    assert ours.global_step == theirs.global_step == 2 * STEPS


@pytest.mark.parametrize("direct", [True, False])
def test_callbacks_see_each_step(direct: bool, tmp_path: Path) -> None:
    callback = Steps()
    _fit((), tmp_path, direct=direct, callback=callback)
    assert callback.started == callback.ended == [*range(STEPS)] * 2


def test_a_callback_stops_after_a_step(tmp_path: Path) -> None:
    saved = []
    for direct in (True, False):
        callback = Steps(stop_after=5)
        saved.append(_fit((), tmp_path, direct=direct, callback=callback)[1])
        assert callback.ended == [*range(6)]
    _assert_equal(*saved)


def test_a_hook_inside_the_step_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_loop, "_step", None)
    callback = InnerHook()
    _fit((), tmp_path, direct=True, callback=callback)
    assert callback.calls == 2 * STEPS


class Batches(pl.Callback):
    """Counts evaluated batches."""

    def __init__(self) -> None:
        self.validated: list[int] = []
        self.tested: list[int] = []

    def on_validation_batch_end(self, trainer: pl.Trainer, *arguments: Any) -> None:
        self.validated.append(arguments[3])

    def on_test_batch_start(self, trainer: pl.Trainer, *arguments: Any) -> None:
        self.tested.append(arguments[2])


def test_the_test_is_lightnings(tmp_path: Path) -> None:
    results: list[Any] = []
    for direct in (True, False):
        _fit((), tmp_path, direct=direct, tested=results)
    _assert_equal(*results)


def test_a_callback_of_batches_sees_each(tmp_path: Path) -> None:
    seen = []
    for direct in (True, False):
        callback = Batches()
        _fit((), tmp_path, direct=direct, callback=callback, tested=[])
        seen.append((callback.validated, callback.tested))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) > 1

"""User code that draws from the global generators: one key still gives one result."""

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import train_process
from torch import Tensor, nn
from train_process import results, train_in_subprocess

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.model import build
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run

NETWORK = """
import random
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

class Mine(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.conv, self.act = nn.Conv2d(in_channels, 8, 3, padding=1), nn.RReLU()
        self.drop, self.attend = nn.Dropout(0.25), nn.MultiheadAttention(8, 2, 0.1)
        self.head = nn.Linear(8 * 16, num_classes)
        self.steps, self._seen = 0, {"images": torch.zeros(2)}

    def forward(self, x):
        if self.training:
            self.steps += 1
            self._seen["images"] = self._seen["images"].to(x) + len(x)
        x = F.adaptive_avg_pool2d(self.drop(self.act(self.conv(x))), 4).flatten(2).permute(2, 0, 1)
        x = self.attend(x, x, x)[0].permute(1, 0, 2).flatten(1)
        x = F.dropout(x, 0.5, self.training) + 0.1 * random.random() + 0.1 * np.random.rand()
        x = x + 0.1 * torch.rand_like(x)  # in evaluation too
        return self.head(x) / (1 + 1 / (1 + self.steps)) + 1e-6 * self._seen["images"][0]
"""
AUGMENTATION = """
import random
import torch

class Noise:
    def __call__(self, x, y, generator):
        return (x + 0.1 * random.random() * torch.rand_like(x)).clamp(0, 1), y
"""
PLAIN = ("normalization=none", "dropout=none", "augmentation=none")


@pytest.fixture
def user(mine: Callable[[str], Path], tmp_path: Path, lab: Lab) -> Callable[..., Run]:
    """Create a run of a user's network; ``augmentation=mine`` is the user's augmentation."""
    mine(NETWORK + AUGMENTATION)
    for axis, name in (("architecture", "Mine"), ("augmentation", "Noise")):
        folder = tmp_path / "conf" / axis
        folder.mkdir()
        (folder / "mine.yaml").write_text(f"_target_: mine.{name}\n")
    own = "architecture=mine", "batch_size=256", "trainer.max_epochs=3", "devices=cpu"
    return lambda *overrides: lab.new_run(resolve(compose([*own, *overrides])).as_dict())


@pytest.mark.parametrize(
    "extra", [(), ("augmentation=mine", "optimizer=lbfgs", "optimizer.max_iter=2")]
)
def test_a_trial_is_reproducible_and_resumes_bit_equal(
    user: Callable[..., Run], extra: tuple[str, ...]
) -> None:
    undisturbed, again, killed = (user(*extra) for _ in range(3))
    assert train_in_subprocess(undisturbed) == train_in_subprocess(again) == 0
    assert train_in_subprocess(killed, train_process.killed_after_the_journal) == -signal.SIGKILL
    assert train_in_subprocess(killed) == 0
    assert results(again) == results(undisturbed) == results(killed)


def test_probes_change_no_draw(user: Callable[..., Run]) -> None:
    plain, probed = user(), user("probes=default", "probes.activations=true")
    assert plain.key == probed.key
    assert train_in_subprocess(plain) == train_in_subprocess(probed) == 0
    for (_, bare), (_, more) in zip(
        results(plain)["epochs"], results(probed)["epochs"], strict=True
    ):
        assert {name: more[name] for name in bare} == bare
    assert results(plain)["artifacts"] == results(probed)["artifacts"]


def _draw() -> tuple[float, float, float]:
    return torch.rand(()).item(), random.random(), np.random.rand()  # noqa: NPY002


class Draws(pl.Callback):
    """Draws from the global generators in every hook."""

    def on_train_epoch_start(self, *_: Any) -> None:
        _draw()

    on_train_batch_start = on_train_batch_end = on_before_optimizer_step = on_train_epoch_start
    on_validation_batch_start = on_validation_start = on_test_batch_end = on_train_epoch_start


def fitted(*callbacks: pl.Callback, **options: Any) -> tuple[dict[str, Tensor], dict[str, float]]:
    config = compose(["architecture=mine", "trainer.max_epochs=2", *PLAIN]).resolved()
    data = build.datamodule(config)
    module = build.classifier(config, data)
    plain = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    plain.fit(module, data)
    validated = {name: float(value) for name, value in plain.callback_metrics.items()}
    tested = [plain.test(module, data, verbose=False)[0] for _ in range(2)]
    assert tested[0] == tested[1]
    return module.network.state_dict(), validated | tested[0]


def test_draws_between_steps_do_not_change_a_trial(user: Callable[..., Run]) -> None:
    first = fitted()
    torch.manual_seed(99)
    disturbed = fitted(Draws(), num_sanity_val_steps=2)
    rarely = fitted(check_val_every_n_epoch=2)
    for weights, metrics in (disturbed, rarely):
        assert all(value.equal(weights[name]) for name, value in first[0].items())
        assert metrics == first[1]


def test_a_plain_trainer_restores_the_global_generators(user: Callable[..., Run]) -> None:
    def seeded() -> None:
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002

    seeded()
    expected = _draw()
    seeded()
    fitted()
    assert _draw() == expected


def test_the_dry_build_does_not_change_the_global_generators(user: Callable[..., Run]) -> None:
    before = torch.get_rng_state(), random.getstate()
    user("optimizer.lr=0.0123")
    resolve(compose(["architecture=mlp", "backend=by_hand", "dropout=dropout"]))
    assert torch.get_rng_state().equal(before[0])
    assert random.getstate() == before[1]


def test_masks_differ_between_steps_and_seeds(user: Callable[..., Run]) -> None:
    masks = []
    for seed in (0, 1):
        config = compose(["architecture=mine", f"seed={seed}", *PLAIN]).resolved()
        data = build.datamodule(config)
        module = build.classifier(config, data)
        seen: list[Tensor] = []
        module.network.drop.register_forward_hook(
            lambda _, __, out, seen=seen: seen.append(out == 0)
        )
        trainer = pl.Trainer(
            max_epochs=2,
            accelerator="cpu",
            limit_train_batches=2,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, data)
        masks += seen
    assert len(masks) == 8
    for i, mask in enumerate(masks):
        assert not any(mask.equal(other) for other in masks[:i])


def test_a_network_that_draws_in_its_constructor_is_reproducible(
    user: Callable[..., Run],
) -> None:
    class Drawn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(_draw()))

    from ablab import streams
    from ablab.model.layer_streams import LayerStreams

    found = []
    for _ in range(2):
        _draw()
        with streams.fork_rng(3, "init"), LayerStreams(3):
            found.append(Drawn().weight)
    assert found[0].equal(found[1])

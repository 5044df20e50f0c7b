"""Every component in conf/ of the axes outside the network trains a small network."""

from collections.abc import Callable
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import yaml

from ablab.config.compose import components, compose
from ablab.model import build

AXES = ("augmentation", "loss", "regularizer", "optimizer", "scheduler")
CASES = [
    *((axis, name, "32-true") for axis in AXES for name in components(axis)),
    *(("loss", name, "bf16-mixed") for name in components("loss")),
]


@pytest.fixture(scope="module")
def trained() -> Callable[..., dict[str, float]]:
    """Train three batches with one component replaced, and return the logged metrics."""
    base = compose(["architecture=mlp", "architecture.widths=[8]"]).resolved()
    data = build.datamodule(base)

    def train(axis: str, name: str, precision: str) -> dict[str, float]:
        config = {**base, axis: yaml.safe_load(components(axis)[name].read_text())}
        data.augmentation = build.datamodule(config).augmentation
        module = build.classifier(config, data)
        before = [p.detach().clone() for p in module.network.parameters()]
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=1,
            limit_train_batches=3,
            precision=precision,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, data)
        pairs = zip(module.network.parameters(), before, strict=True)
        assert not all(p.equal(q) for p, q in pairs)
        assert all(p.isfinite().all() for p in module.network.parameters())
        return {name: float(value) for name, value in trainer.callback_metrics.items()}

    return train


@pytest.mark.filterwarnings("ignore:The .train_dataloader. does not have many workers")
@pytest.mark.parametrize(("axis", "name", "precision"), CASES)
def test_it_trains(trained: Any, axis: str, name: str, precision: str) -> None:
    logged = trained(axis, name, precision)
    assert {"train/loss", "val/loss", "train/accuracy", "val/accuracy", "lr"} <= logged.keys()
    assert all(torch.tensor(list(logged.values())).isfinite())
    assert ("train/penalty" in logged) == (name in ("l1", "l2") and axis == "regularizer")

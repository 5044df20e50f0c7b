"""The capture of the training passes, with torch's own function replaced: there is no GPU here."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ablab.config.compose import compose
from ablab.data.module import InMemoryDataModule
from ablab.model import build
from ablab.training.cuda_graph import CudaGraph
from ablab.training.run import Training
from ablab.training.settings import Devices

OVERRIDES = ["architecture=lenet5", "normalization=batch", "batch_size=100", "devices=cpu"]


class Replays:
    """Captures as torch does: runs the network, hides its forward pass, and replays of a shape."""

    def __init__(self) -> None:
        self.shape = torch.Size()
        self.strides: tuple[int, ...] = ()
        self.steps = self.others = 0

    def capture(self, network: nn.Module, images: tuple[Tensor], num_warmup_iters: int) -> None:
        assert network.training
        (sample,) = images
        self.shape, self.strides = sample.shape, sample.stride()
        for _ in range(num_warmup_iters + 1):
            network(sample)
        network.forward = self._replay(network, network.forward)

    def _replay(self, network: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def replay(x: Tensor) -> Any:
            if network.training:
                assert (x.shape, x.stride()) == (self.shape, self.strides)
                self.steps += 1
            else:
                self.others += 1
            return forward(x)

        return replay


def _train(folder: Path, callbacks: list[pl.Callback]) -> dict[str, Tensor]:
    config = compose(OVERRIDES).resolved()
    data = build.datamodule(config)
    assert isinstance(data, InMemoryDataModule)
    module = build.classifier(config, data)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        callbacks=callbacks,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
    assert "forward" not in vars(module.network)
    return module.network.state_dict()


@pytest.mark.filterwarnings("ignore:The .train_dataloader. does not have many workers")
@pytest.mark.filterwarnings("ignore:The .val_dataloader. does not have many workers")
def test_training_batches_are_replayed_and_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replays = Replays()
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", replays.capture)
    captured, plain = _train(tmp_path, [CudaGraph()]), _train(tmp_path, [])
    assert replays.shape == (100, 1, 32, 32)
    assert replays.steps == 11
    assert replays.others > 0
    for name, value in plain.items():  # running statistics included
        assert torch.equal(captured[name], value), name


@pytest.mark.parametrize("asked", [True, False])
def test_devices_switch_it_on(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    run: Any = SimpleNamespace(folder=Path(), trial={"config": {}, "sources": {}})
    made = Training(run, None, Devices("cuda", cuda_graph=asked))
    assert any(isinstance(c, CudaGraph) for c in made._callbacks) == asked

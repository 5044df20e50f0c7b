"""Networks and data of the user's own code: tested again, loaded, exported or refused."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from train_process import train_in_subprocess

import ablab
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.errors import InputError
from ablab.inference import export as module
from ablab.inference.evaluate import evaluate
from ablab.inference.export import export
from ablab.inference.load import finished_run
from ablab.inference.program import FORMS, write_program
from ablab.inference.trained_model import TrainedModel
from ablab.model.preprocessing import InputFormat
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run

# Batches in double precision, and a layer without a size before its first batch.
SOURCE = """
import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

class Data(pl.LightningDataModule):
    in_channels, num_classes, image_size, content_hash = 1, 10, 8, "digits"
    def setup(self, stage=None):
        digits = load_digits()
        x = torch.from_numpy(digits.images)[:, None] / 8 - 1
        self.set = TensorDataset(x, torch.from_numpy(digits.target))
    def loader(self, first, last):
        part = torch.utils.data.Subset(self.set, range(first, last))
        return DataLoader(part, batch_size=25)
    def train_dataloader(self):
        return self.loader(0, 200)
    def val_dataloader(self):
        return self.loader(200, 250)
    def test_dataloader(self):
        return self.loader(250, 301)

class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.LazyLinear(num_classes)
    def forward(self, x):
        return self.head(x.float().flatten(1))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: None) -> Run:
    """A finished run with data and network of the user's."""
    (tmp_path / "own_code.py").write_text(SOURCE)
    for axis, name in (("dataset", "Data"), ("architecture", "Network")):
        (tmp_path / "conf" / axis).mkdir(parents=True)
        (tmp_path / "conf" / axis / "own.yaml").write_text(f"_target_: own_code.{name}\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("ABLAB_ALLOW", "own_code")
    lab = Lab.open(tmp_path / "lab")
    overrides = ["dataset=own", "architecture=own", "trainer.max_epochs=1", "devices=cpu"]
    run = lab.new_run(resolve(compose(overrides)).as_dict())
    assert train_in_subprocess(run) == 0, (run.folder / "log.txt").read_text()
    return finished_run(lab, run.key)


def test_own_network_and_data_are_tested_loaded_and_exported(own: Run, tmp_path: Path) -> None:
    result = evaluate(own)
    assert (result.images, result.recorded) == (51, result.metrics)
    model = ablab.load(own.key)
    data = module.trial_data(own)
    x, y = (torch.cat(parts) for parts in zip(*data.test_dataloader(), strict=True))
    assert x.dtype == torch.float64
    share = float((model(x).argmax(1) == y).double().mean())
    assert share == pytest.approx(result.recorded["test/accuracy"])
    path = tmp_path / "network.pt2"
    assert export(own, "torch-export", path).changed == 0
    program = torch.export.load(path).module()
    torch.testing.assert_close(program(x[:1].float()), model(x[:1]))


class Fixed(nn.Module):
    """Takes the number of images from ``len``, which torch.export makes a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x.reshape(len(x), 4))
        return logits


def test_a_network_that_fixes_the_number_of_images_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    form = InputFormat(1, 2, tuple("0123456789"), None, None)
    model = TrainedModel(Fixed(), form, None, "5f8e")
    with pytest.raises(InputError, match=r"len\(x\) does; use x.shape\[0\]$") as caught:
        write_program(model, tmp_path / "network.pt2")
    assert "\n" not in str(caught.value)


def test_an_exported_file_that_cannot_be_used_is_refused_in_one_line(
    own: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> module.Logits:
        raise RuntimeError("no implementation for Conv(11)\nmore")

    suffix, write, _ = FORMS["torch-export"]
    monkeypatch.setattr(module, "FORMS", {"torch-export": (suffix, write, read)})
    with pytest.raises(InputError, match=r"RuntimeError: no implementation for Conv\(11\)$"):
        export(own, "torch-export", tmp_path / "network.pt2")
    assert not (tmp_path / "network.pt2").exists()

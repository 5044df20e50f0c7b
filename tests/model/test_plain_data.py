"""A plain LightningDataModule as the data set of a trial."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import train_process
from train_process import results, train_in_subprocess

from ablab.catalogue.baselines import train_baselines
from ablab.catalogue.data_check import check_data
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.data.errors import DataError
from ablab.faults import ConfigError
from ablab.tracking.lab import Lab
from ablab.tracking.records import record_of
from ablab.tracking.run import Run
from ablab.training.cost import measure

SOURCE = """
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, random_split


class Noisy(Dataset):
    def __init__(self, n):
        self.y = torch.arange(n) % 3

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):  # a random transform that draws from the global generator, as most do
        return 0.5 * torch.randn(1, 12, 12) + self.y[i], self.y[i]


class Plain(pl.LightningDataModule):
    in_channels, num_classes, image_size = 1, 3, 12

    def __init__(self, n=300, batch_size=20, test_shuffle=False):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage=None):
        n = self.hparams.n
        self.parts = random_split(Noisy(n), [n - 100, 50, 50])  # without a generator

    def train_dataloader(self):
        return DataLoader(self.parts[0], self.hparams.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.parts[1], 25)

    def test_dataloader(self):
        return DataLoader(self.parts[2], 25, shuffle=self.hparams.test_shuffle)
"""
YAML = "# ours\n_target_: theirs.Plain\nn: 300\nbatch_size: 20\ntest_shuffle: false\n"
OPTIONS = (
    *("dataset=theirs", "architecture=mlp", "architecture.widths=[8]", "normalization=batch"),
    *("dropout=dropout", "scheduler=one_cycle", "trainer.max_epochs=3", "devices=cpu"),
)


@pytest.fixture(autouse=True)
def _theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``./theirs.py`` and ``./conf/dataset/theirs.yaml``."""
    (tmp_path / "theirs.py").write_text(SOURCE)
    (tmp_path / "conf" / "dataset").mkdir(parents=True)
    (tmp_path / "conf" / "dataset" / "theirs.yaml").write_text(YAML.replace("\\\n", "\n"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("ABLAB_ALLOW", "theirs")
    yield
    sys.modules.pop("theirs", None)


@pytest.fixture
def plain(lab: Lab) -> Callable[..., Run]:
    return lambda *overrides: lab.new_run(resolve(compose([*OPTIONS, *overrides])).as_dict())


def test_it_trains_and_notes_its_limitations(plain: Callable[..., Run]) -> None:
    run = plain()
    assert train_in_subprocess(run) == 0
    record = record_of(run)
    assert record.metrics["test/accuracy"] > 0.5  # of three classes
    counts = {"train_images": 200, "val_images": 50, "test_images": 50, "num_classes": 3}
    assert counts.items() < record.metadata.items()
    assert "content of its data is not in" in " ".join(record.metadata["data_notes"])
    assert "content of its data is not in" in (run.folder / "log.txt").read_text("utf-8")
    correct = record.correct()
    assert correct is not None
    assert correct.mean() == pytest.approx(record.metrics["test/accuracy"])
    assert record.epochs[0].measured["throughput/images_per_second"] == pytest.approx(
        200 / record.epochs[0].measured["time/epoch_seconds"]
    )


def test_a_repeated_and_a_resumed_trial_are_bit_equal(
    plain: Callable[..., Run],
) -> None:
    first, again, killed = plain(), plain(), plain()
    assert (train_in_subprocess(first), train_in_subprocess(again)) == (0, 0)
    assert train_in_subprocess(killed, train_process.killed_after_the_journal) < 0
    assert train_in_subprocess(killed) == 0
    assert results(first) == results(again) == results(killed)
    other = plain("seed=1")
    assert train_in_subprocess(other) == 0
    assert results(other)["epochs"] != results(first)["epochs"]


def test_a_shuffled_test_records_no_single_images(plain: Callable[..., Run]) -> None:
    run = plain("dataset.test_shuffle=true", "trainer.max_epochs=1")
    assert train_in_subprocess(run) == 0
    assert record_of(run).correct() is None
    assert (run.folder / "confusion_matrix.csv").is_file()
    assert "no fixed order" in " ".join(record_of(run).metadata["data_notes"])


def test_probes_and_initializers_use_its_images(plain: Callable[..., Run]) -> None:
    run = plain("probes=default", "initializer=lsuv", "trainer.max_epochs=1")
    assert train_in_subprocess(run) == 0
    assert any(name.startswith("probe/") for name in record_of(run).epochs[0].metrics)


def test_arguments_and_source_are_in_the_key(tmp_path: Path) -> None:
    def key(*overrides: str) -> str:
        return resolve(compose([*OPTIONS, *overrides])).key

    keys = {key(), key("dataset.n=310"), key("dataset.batch_size=10"), key("seed=1")}
    assert len(keys) == 4
    (tmp_path / "theirs.py").write_text(SOURCE.replace("0.5 *", "0.6 *"))
    sys.modules.pop("theirs")
    assert key() not in keys


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("batch_size=64", "batch_size must be left at 128 for a data set whose own loaders .* 64"),
        ("data.train_images=20", "data.train_images must be left at null for .*, got 20"),
        ("data.test_noise=[0.1]", r"data.test_noise must be left at \[\] for .*, got \[0.1\]"),
        ("data.standardize=false", "data.standardize must be left at true for .*, got false"),
        ("data.shuffle=once", "data.shuffle must be left at each_epoch for .*, got once"),
        ("augmentation=crop_flip", "augmentation._target_ must be left at .*none.none for .*"),
        (
            "dataset.batch_size=199",
            "smallest batch of dataset's train_dataloader must be 2 or more",
        ),
        ("dataset.n=100", "must work, got ValueError: .* Plain.train_dataloader .*theirs.py, line"),
        ("dataset.batch_size=0", "must work, got ValueError: .* in Plain.train_dataloader .*line"),
    ],
)
def test_options_without_effect_are_refused_before_training(override: str, fault: str) -> None:
    with pytest.raises((ConfigError, DataError), match=fault):
        resolve(compose([*OPTIONS, override]))


def test_several_processes_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(compose([*OPTIONS, "devices=ddp_cpu"]))
    message = "\n".join(caught.value.faults)
    assert "devices.strategy must be auto for a data set whose own loaders decide it" in message


def test_its_cost_is_measured() -> None:
    cost = measure(compose(OPTIONS).resolved())
    assert cost.steps_per_epoch == 10
    assert cost.step_seconds > 0


def test_scikit_learn_baselines_are_trained_on_it(lab: Lab) -> None:
    record = train_baselines("theirs", lab=lab)
    assert record.counts["test_images"] == 50
    assert record.results["nearest_centroid"].metrics["test/accuracy"] > 0.9


def test_it_can_be_checked_without_a_trial() -> None:
    lines = check_data("theirs", ["dataset.n=250"])
    assert lines[0] == "ok  150 train, 50 val, 50 test images; 3 classes: 0, 1, 2"
    assert "LightningDataModule of the user's own" in lines[1]

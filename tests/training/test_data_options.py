"""Loading of a trial's images: the `data` group, full batches, and a user's own images."""

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import train_process
from PIL import Image
from train_process import SMALL, results, train_in_subprocess

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.data.module import InMemoryDataModule
from ablab.faults import ConfigError
from ablab.model import build
from ablab.tracking.pictures.confusion import CONFUSION, read_confusion
from ablab.tracking.pictures.draw import draw
from ablab.tracking.records import record_of
from ablab.tracking.run import Run

OPTIONS = (
    "data.train_images=600",
    "data.val_images=100",
    "data.test_images=200",
    "data.standardize=false",
    "data.permute_pixels=true",
    "data.shuffle=with_replacement",
    "data.test_shift=[1,2]",
    "data.test_noise=[0.1]",
    "data.test_brightness=[-0.2]",
    "data.test_contrast=[0.5]",
)


def key(*overrides: str) -> str:
    return resolve(compose([*SMALL, *overrides])).key


def data(*overrides: str) -> InMemoryDataModule:
    return build.datamodule(compose([*SMALL, *overrides]).resolved())


def test_each_option_is_in_the_key_unless_it_has_its_neutral_value() -> None:
    keys = {key(option) for option in OPTIONS} | {key(), key("batch_size=full")}
    assert len(keys) == len(OPTIONS) + 2
    assert key("data.val_images=null", "data.test_images=null") == key()
    assert key("data.train_images=null", "data.shuffle=each_epoch", "data.test_shift=[]") == key()


def test_options_reach_the_data() -> None:
    module = data(*OPTIONS)
    assert (module.train_images, module.shuffle) == (600, "with_replacement")
    assert (module.val_images, module.test_images) == (100, 200)
    assert (module.standardize, module.permute_pixels) == (False, True)
    names = ["shift_1", "shift_2", "noise_0.1", "brightness_-0.2", "contrast_0.5"]
    assert [p.name for p in module.perturbations] == names


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("data.train_images=0", "data.train_images must be an integer >= 1 or null, got 0"),
        ("data.train_images=1151", "data.train_images must be from 1 to .*, 1150, got 1151"),
        ("data.val_images=0", "data.val_images must be an integer >= 1 or null, got 0"),
        ("data.val_images=288", "data.val_images must be an integer from 1 to .*, 287, got 288"),
        ("data.test_images=1.5", "data.test_images must be an integer >= 1 or null, got 1.5"),
        ("data.test_images=361", "data.test_images must be an integer from 1 to .*, 360, got 361"),
        ("data.standardize=1", "data.standardize must be true or false, got 1"),
        ("data.permute_pixels=yes_please", "data.permute_pixels must be true or false"),
        ("data.shuffle=twice", "data.shuffle must be one of each_epoch, once, none, with_"),
        ("data.test_shift=2", r"data.test_shift must be a list of integers >= 1, ascending, got 2"),
        ("data.test_shift=[2,1]", r"data.test_shift must be a list .*, got \[2, 1\]"),
        ("data.test_shift=[0.5]", r"data.test_shift must be a list .*, got \[0.5\]"),
        ("data.test_shift=[32]", r"data.test_shift must be below dataset.image_size, 32, got"),
        ("data.test_noise=[0]", r"data.test_noise must be a list of numbers > 0, ascending"),
        ("data.test_noise=[0.1,0.1]", r"data.test_noise must be a list of numbers > 0, ascending"),
        (
            "data.test_brightness=[2]",
            r"data.test_brightness must be a list of numbers in \[-1, 1\]",
        ),
        ("data.test_contrast=[1]", r"data.test_contrast must be a list of numbers >= 0, none"),
        ("batch_size=all", "batch_size must be an integer >= 1 or full, got 'all'"),
        ("data.trainimages=3", "data.trainimages must be one of .*did you mean data.train_images"),
    ],
)
def test_a_value_out_of_range_is_refused(override: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        resolve(compose([*SMALL, "batch_size=32", override]))
    assert len(caught.value.faults) == 1


def test_a_full_batch_that_processes_cannot_share_is_refused() -> None:
    overrides = ["batch_size=full", "devices=ddp_cpu"]
    resolve(compose([*SMALL, *overrides]))
    with pytest.raises(ConfigError) as caught:
        resolve(compose([*SMALL, *overrides, "data.train_images=333"]))
    fault = "batch_size must be divisible by the 2 processes, got full, which is 333 images"
    assert caught.value.faults == (fault,)


def test_perturbed_test_images_are_tested_in_addition(begin: Callable[..., Run]) -> None:
    plain, changed = begin(), begin(*OPTIONS[6:])
    assert (train_in_subprocess(plain), train_in_subprocess(changed)) == (0, 0)
    before, after = results(plain), results(changed)
    assert before["epochs"] == after["epochs"]
    assert before["artifacts"] == after["artifacts"]
    assert before["metrics"].items() < after["metrics"].items()
    new = after["metrics"].keys() - before["metrics"].keys()
    suffixes = ("shift_1", "shift_2", "noise_0.1", "brightness_-0.2", "contrast_0.5")
    names = {f"test/{kind}_{suffix}" for kind in ("loss", "accuracy") for suffix in suffixes}
    assert new == names | {f"{name}_last" for name in names}
    losses = [after["metrics"][f"test/loss{suffix}"] for suffix in ("", "_shift_1", "_shift_2")]
    assert losses == sorted(losses)


def test_a_resumed_trial_is_bit_equal_with_all_options(
    begin: Callable[..., Run],
) -> None:
    overrides = (*OPTIONS, "batch_size=full")
    first, killed = begin(*overrides), begin(*overrides)
    assert train_in_subprocess(first) == 0
    assert train_in_subprocess(killed, train_process.killed_after_the_journal) < 0
    assert train_in_subprocess(killed) == 0
    assert results(killed) == results(first)
    metadata = record_of(killed).metadata
    assert [metadata[f"{part}_images"] for part in ("train", "val", "test")] == [600, 100, 200]
    assert (metadata["val_images_available"], metadata["test_images_available"]) == (287, 360)
    assert "Of 360 test images 200 are used (data.test_images)." in metadata["data_notes"]
    correct = record_of(killed).correct()
    assert correct is not None
    assert correct.size == 200


def test_batch_of_one_is_refused_where_batch_norm_needs_more() -> None:
    resolve(compose(["batch_size=1"]))
    with pytest.raises(ConfigError, match="batch_size must be 2 or more for these parts, got 1"):
        resolve(compose([*SMALL, "batch_size=1"]))


def test_a_full_batch_is_one_step_per_epoch() -> None:
    module = data("batch_size=full")
    assert module.batch_size == 1150
    assert len(module.train_dataloader()) == 1


def _write(folder: Path, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for number in range(60):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 100, (8, 8), np.uint8) + 100 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return folder


def _own(folder: Path) -> tuple[str, ...]:
    options = ("dataset.image_size=8", "dataset.in_channels=1", "batch_size=16")
    return ("dataset=folder", f"dataset.path={folder}", *options)


def test_a_users_images_are_identified_by_content_not_by_path(
    begin: Callable[..., Run], tmp_path: Path
) -> None:
    options = ("augmentation=none", "dropout=none", "trainer.max_epochs=20")
    run = begin(*_own(_write(tmp_path / "mine")), *options)
    assert train_in_subprocess(run) == 0
    assert run.completion is not None
    assert run.completion.metrics["test/accuracy"] > 0.8
    shutil.move(tmp_path / "mine", tmp_path / "moved")
    assert key(*_own(tmp_path / "moved"), *options) == run.key
    shutil.copytree(_write(tmp_path / "other", seed=1), tmp_path / "mine")
    assert key(*_own(tmp_path / "mine"), *options) != run.key


def test_data_that_changed_after_planning_are_refused(
    begin: Callable[..., Run], tmp_path: Path
) -> None:
    run = begin(*_own(_write(tmp_path / "mine")))
    _write(tmp_path / "mine", seed=1)
    assert train_in_subprocess(run) == 1
    assert "the data must be as they were" in str(record_of(run).reason)


def test_an_invalid_folder_is_reported_by_its_key(tmp_path: Path) -> None:
    for path in ("null", str(tmp_path / "nowhere")):
        with pytest.raises(ConfigError, match=r"dataset\.path must be a folder of class folders"):
            resolve(compose(["dataset=folder", f"dataset.path={path}", "dataset.image_size=8"]))


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\tb", b"a\x1b[1mb"])
def test_a_class_name_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path, name: bytes
) -> None:
    root = _write(tmp_path / "mine")
    (root / "a").rename(root / os.fsdecode(name))
    with pytest.raises(ConfigError, match=r"dataset\.path must give each class a name that can be"):
        resolve(compose(list(_own(root))))


def test_class_names_of_any_script_are_kept(begin: Callable[..., Run], tmp_path: Path) -> None:
    root = _write(tmp_path / "mine")
    names = {"a": "US$ $\\x$, 猫", "b": '=1+2 "thé"'}
    for old, new in names.items():
        (root / old).rename(root / new)
    run = begin(*_own(root), "augmentation=none", "trainer.max_epochs=1")
    assert train_in_subprocess(run) == 0
    names_read, _ = read_confusion(run.folder / CONFUSION)
    assert sorted(names_read) == sorted(names.values())
    (tmp_path / "drawn").mkdir()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        assert "confusion_matrix.png" in draw(run, "a $title", tmp_path / "drawn")

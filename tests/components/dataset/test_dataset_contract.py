"""What every component of the dataset axis must do, whichever components there are."""

import importlib
import inspect
import os
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import yaml
from PIL import Image

from ablab import folders
from ablab.data.errors import DataError

CONFIGS = sorted((folders.shipped_folder("conf") / "dataset").rglob("*.yaml"))
_REAL = os.environ.get("ABLAB_DATA")
WITH_REAL_FILES = ("digits", "mnist", "cifar100")  # what a folder of real data is sure to hold


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(autouse=True)
def own_lab(lab, monkeypatch):
    monkeypatch.setenv("ABLAB_HOME", str(lab))
    monkeypatch.setenv("ABLAB_DATA", _REAL or str(lab / "no_data"))


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def config(request):
    return yaml.safe_load(request.param.read_text())


def builder(config):
    module, _, name = config["_target_"].rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.fixture(scope="module")
def own_images(lab):
    """Class folders, for the component that reads a user's own."""
    rng = np.random.default_rng(0)
    for number in range(300):
        folder = lab / "images" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return {"path": str(lab / "images"), "image_size": 16}


@pytest.fixture
def build(config, own_images):
    options = {key: value for key, value in config.items() if key != "_target_"}
    own = own_images if "path" in options else {}
    return lambda **changes: builder(config)(**options | own | changes)


@pytest.fixture
def there(build):
    module = build()
    try:
        module.prepare_data()
    except DataError as error:
        if _REAL and module._image_set.name in WITH_REAL_FILES:
            raise
        pytest.skip(f"ABLAB_DATA names no folder with the real data: {error}")
    return module


def test_there_are_components():
    assert {"digits", "mnist", "fashion_mnist", "cifar10", "cifar100", "folder"} <= {
        path.stem for path in CONFIGS
    }


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_yaml_begins_with_its_source_and_is_short(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert lines[1].startswith("_target_: ")
    assert len(lines) <= 10


def test_yaml_states_every_parameter_at_its_default(config):
    parameters = inspect.signature(builder(config)).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    assert {key: value for key, value in config.items() if key != "_target_"} == defaults


def test_properties_are_known_without_any_data(build, lab, monkeypatch):
    monkeypatch.setenv("ABLAB_DATA", str(lab / "nowhere"))
    module = build()
    assert isinstance(module, pl.LightningDataModule)
    assert module.in_channels in (1, 3)
    assert module.num_classes == len(set(module.class_names)) >= 2
    assert module.image_size > 0


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 2.0])
def test_a_fraction_out_of_range_is_refused(build, fraction):
    with pytest.raises(ValueError, match=f"val_fraction must be .*, got {fraction}"):
        build(val_fraction=fraction)


def test_data_match_the_properties(there):
    shape = (there.in_channels, there.image_size, there.image_size)
    for batches in (there.train_dataloader(), there.val_dataloader(), there.test_dataloader()):
        labels = []
        for x, y in batches:
            assert x.shape[1:] == shape
            assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
            assert x.isfinite().all()
            labels.append(y)
        assert torch.cat(labels).unique().tolist() == list(range(there.num_classes))


def test_training_images_are_normalized(there):
    batches = list(there.train_dataloader())
    mean = torch.stack([x.mean((0, 2, 3)) for x, _ in batches]).mean(0)
    square = torch.stack([x.square().mean((0, 2, 3)) for x, _ in batches]).mean(0)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=0.02, rtol=0)
    torch.testing.assert_close(square, torch.ones_like(square), atol=0.03, rtol=0)


def test_content_hash_is_stable_and_depends_on_content_alone(there, build):
    assert len(there.content_hash) == 64
    assert build(val_fraction=0.5, split_seed=3).content_hash == there.content_hash


def test_the_test_part_is_fixed(there, build):
    other = build(val_fraction=0.5, split_seed=3)
    other.seed = 9
    first, second = (torch.cat([y for _, y in m.test_dataloader()]) for m in (there, other))
    assert torch.equal(first, second)

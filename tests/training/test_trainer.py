"""The Trainer of a trial."""

from pathlib import Path

import pytest
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers.logger import DummyLogger

from ablab.training.settings import Devices
from ablab.training.trainer import find_callbacks, trainer


def test_packages_are_searched_for_callbacks_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_callbacks()
    searches: list[int] = []
    monkeypatch.setattr("importlib.metadata.distributions", lambda: searches.append(1) or [])
    config = {"max_epochs": 1, "precision": "32-true", "gradient_clip_val": None}
    trainer(config, Devices("cpu"), tmp_path, DummyLogger(), [Checkpoint()])
    assert not searches

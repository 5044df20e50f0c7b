"""Fixtures: labs and stores; the SQLite store is created once and copied."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded import begin, finish

from ablab.tracking.address import DATABASE
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab.open(tmp_path / "lab")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    store = Store.open(Lab.open(root))
    store.close()
    return root / DATABASE


@pytest.fixture
def store(lab: Lab, template: Path) -> Store:
    shutil.copy(template, lab.root / DATABASE)
    store = Store.open(lab)
    store.notices.clear()  # the copy counts as moved and has a notice
    return store


@pytest.fixture
def make_finished(lab: Lab) -> Callable[..., Run]:
    def make(key: str = "a1b2", epochs: int = 3) -> Run:
        run = begin(lab, epochs=epochs, key=key)
        finish(run)
        return run

    return make

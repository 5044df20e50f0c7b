"""Folders to sweep in: a lab, and a user's own sweeps beside where they work."""

from pathlib import Path

import pytest

from ablab.tracking.lab import Lab


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab.open(tmp_path / "lab")

"""A launcher whose trials end at once, for sweeps with searches."""

from collections.abc import Callable
from pathlib import Path

import pytest
import searches
from fakes import FakeLauncher


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, sweeps: Path) -> Callable[..., FakeLauncher]:
    """Return a function that writes `mine.yaml` and returns the launcher that it will use."""

    def make(tune: str, slots: int = 2, body: str = searches.BODY) -> FakeLauncher:
        searches.write(sweeps, tune, body)
        launcher = searches.launcher(slots)
        monkeypatch.setattr("ablab.sweep.engine.make_launcher", lambda _runtime: launcher)
        return launcher

    return make

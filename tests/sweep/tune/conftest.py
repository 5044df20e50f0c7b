"""A launcher whose trials end at once, for sweeps with searches."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
import searches
from fakes import FakeLauncher

from ablab.config.compose import compose, sweep_names
from ablab.config.composition import Composition


@cache
def _composed(_yaml: str, overrides: tuple[str, ...], sweep: str) -> Composition:
    return compose(overrides, sweep=sweep)


def _compose_once(overrides: Sequence[str], sweep: str) -> Composition:
    """Compose each YAML once for all tests: Hydra takes most of their time."""
    return _composed(sweep_names()[sweep].read_text("utf-8"), tuple(overrides), sweep)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, sweeps: Path) -> Callable[..., FakeLauncher]:
    """Return a function that writes `mine.yaml` and returns the launcher that it will use."""
    monkeypatch.setattr("ablab.sweep.planning.compose", _compose_once)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # durability is not tested here

    def make(tune: str, slots: int = 2, body: str = searches.BODY) -> FakeLauncher:
        searches.write(sweeps, tune, body)
        launcher = searches.launcher(slots)
        monkeypatch.setattr("ablab.sweep.engine.make_launcher", lambda _runtime: launcher)
        return launcher

    return make

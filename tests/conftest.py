"""A lab to train in and a folder to work in, for the tests that ask for them."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from train_process import SMALL

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run


@pytest.fixture(scope="session")
def _decoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the digits, decoded once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLAB_HOME", str(tmp_path_factory.mktemp("decoded")))
        resolve(compose(SMALL))
        from ablab.folders import cache_folder

        return cache_folder()


@pytest.fixture
def own_home(_decoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("ABLAB_ALLOW", raising=False)
    monkeypatch.delenv("ABLAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(_decoded, tmp_path / "lab" / "cache")


@pytest.fixture
def sweeps(tmp_path: Path) -> Path:
    folder = tmp_path / "sweeps"
    folder.mkdir()
    return folder


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab.open(tmp_path / "lab")


@pytest.fixture
def begin(lab: Lab) -> Callable[..., Run]:
    """Make a new run of a small trial, changed by overrides."""
    return lambda *overrides: lab.new_run(resolve(compose([*SMALL, *overrides])).as_dict())


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Write ``./mine.py``, which defines ``Mine``, and ``./conf/activation/mine.yaml``."""

    def write(source: str) -> Path:
        (tmp_path / "mine.py").write_text(source)
        folder = tmp_path / "conf" / "activation"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mine.yaml").write_text("_target_: mine.Mine\n")
        sys.modules.pop("mine", None)
        return tmp_path / "mine.py"

    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("ABLAB_ALLOW", "mine")
    yield write
    sys.modules.pop("mine", None)

"""A lab to train in and a folder to work in, for the tests that ask for them."""

import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from omegaconf import DictConfig
from train_process import SMALL

from ablab.config import compose as composing
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run

ROOT = Path(__file__).parents[1]
LONGEST = (
    "test_tutorial.py",
    "test_next_hydra.py",
    "test_team_server_lives.py",
    "test_signals_to_sweeps.py",
    "test_ray.py",
    "test_two_labs.py",
    "test_docs.py",
    "test_readme.py",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without slow tests where slow tests are asked for: each process reads all.

    Contract tests of components are marked as they are made.
    """
    if config.option.markexpr != "slow" or collection_path.suffix != ".py":
        return None
    is_contract = collection_path.is_relative_to(ROOT / "tests" / "components")
    return None if is_contract or "mark.slow" in collection_path.read_text("utf-8") else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each process begin with some of the longest tests, then the other slow ones.

    `--dist worksteal` gives each process a part of equal size, in this order. What one takes from
    another at the end are short tests.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    longest = [item for item in slow if item.path.name in LONGEST]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    files = sorted({item.path for item in longest}, key=lambda path: LONGEST.index(path.name))
    parts: list[list[pytest.Item]] = [[] for _ in range(count)]
    for number, path in enumerate(files):
        parts[number % count] += [item for item in longest if item.path == path]
    for tests, number in ((slow, len(slow) // count), (quick, len(items) // count)):
        others = iter([item for item in tests if item not in longest])
        for part in parts:
            part.extend(islice(others, max(0, number - len(part))))
        parts[-1].extend(others)
    items[:] = list(chain(*parts))


@pytest.fixture(scope="session")
def of_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of pytest-xdist share, and no other session."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "of_session"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def make_once(of_session: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder once a session, in the process that asks first; the others wait for it."""

    def make_once(name: str, make: Callable[[Path], None]) -> Path:
        folder, partial = of_session / name, of_session / f"{name}.partial"
        with FileLock(of_session / f"{name}.lock"):
            if not folder.exists():
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                make(partial)
                partial.rename(folder)
        return folder

    return make_once


@pytest.fixture(scope="session", autouse=True)
def _schema(make_once: Callable[[str, Callable[[Path], None]], Path]) -> Iterator[None]:
    """Copy MLflow's tables into each new SQLite store of this process.

    The 50 migrations that make them take a second of CPU time, and several hundred tests open a new
    store. Programs that tests start make them anew.
    """
    import sqlalchemy
    from mlflow.store.db import utils

    initialize = utils._initialize_tables

    def make(folder: Path) -> None:
        engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'tables.db'}")
        initialize(engine)
        engine.dispose()

    def copy_tables(engine: Any) -> None:
        if engine.dialect.name != "sqlite" or not utils._is_empty_database(engine):
            initialize(engine)
            return
        target = engine.raw_connection()
        with closing(sqlite3.connect(make_once("schema", make) / "tables.db")) as source:
            source.backup(target.driver_connection)
        target.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "_initialize_tables", copy_tables)
        yield


@pytest.fixture(scope="session", autouse=True)
def _composed(of_session: Path) -> Iterator[None]:
    """Let Hydra compose equal choices once a session, while their YAML files are the same.

    A configuration takes it 70 ms, and most tests start from one of a few hundred.
    """
    compose_anew, composed = composing._hydra, of_session / "composed"
    composed.mkdir(exist_ok=True)

    def recall(choices: list[str], sweep: str | None) -> DictConfig:
        files = list(composing._user_files().values())
        files += [] if sweep is None else [composing.sweep_names()[sweep]]
        stamps = [(str(path), path.stat().st_mtime_ns, path.stat().st_ino) for path in files]
        key = sha256(repr((choices, sweep, stamps)).encode()).hexdigest()
        if not (composed / key).exists():
            partial = composed / f"{key}.{os.getpid()}"
            partial.write_bytes(pickle.dumps(compose_anew(choices, sweep)))
            partial.rename(composed / key)
        found: DictConfig = pickle.loads((composed / key).read_bytes())
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composing, "_hydra", recall)
        yield


@pytest.fixture
def mypy(
    make_once: Callable[[str, Callable[[Path], None]], Path],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run mypy as pyproject.toml sets it, with a copy of what its last run here knows of torch."""

    def copy_cache(folder: Path) -> None:
        if (ROOT / ".mypy_cache").exists():
            shutil.copytree(ROOT / ".mypy_cache", folder, dirs_exist_ok=True)

    def mypy(*files: str, cwd: Path, path: Sequence[Path]) -> subprocess.CompletedProcess[str]:
        cache = make_once("mypy", copy_cache)
        command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
        command += ["--cache-dir", cache, *files]
        env = {"MYPYPATH": os.pathsep.join(map(str, path)), "PATH": "/usr/bin:/bin"}
        with FileLock(f"{cache}.mypy.lock"):
            return subprocess.run(
                command, cwd=cwd, env=env, capture_output=True, text=True, check=False
            )

    return mypy


@pytest.fixture(scope="session")
def site(make_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The site, in ``html``, and its notebook, executed; any warning ends the build."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
        command += ["-d", folder / "doctrees", ROOT / "docs", folder / "html"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr

    return make_once("site", build)


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

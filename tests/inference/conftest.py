"""One lab of finished trials of this folder's tests, copied for each."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from train_process import train_in_subprocess
from trained_trials import TRIALS

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The folder of a lab with a finished run of each of `TRIALS`, and their keys."""
    root = tmp_path_factory.mktemp("trained") / "lab"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLAB_HOME", str(root))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("ABLAB_ALLOW", raising=False)
        patch.chdir(root.parent)
        lab, keys = Lab.open(root), {}
        for name, overrides in TRIALS.items():
            run = lab.new_run(resolve(compose(overrides)).as_dict())
            keys[name] = run.key
            assert train_in_subprocess(run) == 0
        yield root, keys


@pytest.fixture
def lab(
    trained: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    root, _ = trained
    shutil.copytree(root, tmp_path / "lab", ignore=shutil.ignore_patterns("cache"))
    (tmp_path / "lab" / "cache").symlink_to(root / "cache")
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("ABLAB_ALLOW", "ABLAB_DATA", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Lab(tmp_path / "lab")


@pytest.fixture
def runs(lab: Lab, trained: tuple[Path, dict[str, str]]) -> dict[str, Run]:
    """The finished run of each of `TRIALS`."""
    found = {name: lab.finished(key) for name, key in trained[1].items()}
    return {name: run for name, run in found.items() if run is not None}

"""The configuration under Hydra's next release, the one that Python 3.14 needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("hydra-core==1.4.0rc3", "omegaconf==2.4.1rc1")
FILES = ("test_compose.py", "test_validate.py", "test_trial.py")


@pytest.fixture(scope="module")
def next_hydra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hydra")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*pip, *PACKAGES], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install {PACKAGES[0]}: {done.stderr.strip()[-200:]}")
    return folder


@pytest.mark.slow
def test_configuration_holds_under_the_next_hydra(next_hydra: Path) -> None:
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(next_hydra)}
    version = [sys.executable, "-c", "import hydra; print(hydra.__version__)"]
    found = subprocess.run(version, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "1.4.0rc3"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *(str(here / name) for name in FILES)],
        env=environment,
        cwd=here.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]

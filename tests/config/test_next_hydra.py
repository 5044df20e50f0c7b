"""The configuration under Hydra's next release, which Python 3.14 needs."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

PACKAGES = ("hydra-core==1.4.0rc3", "omegaconf==2.4.1rc1")
ROOT = Path(__file__).parents[2]
TESTS = (
    "config/test_compose.py",
    "config/test_overrides.py",
    "config/test_several_values.py",
    "config/test_interpolation.py",
    "config/test_yaml_file.py",
    "config/test_validate.py",
    "config/test_swap.py",
    "config/test_trial.py",
    "model/test_build.py",
    "training/test_every_part_trains.py",
    "sweep/test_shipped_sweeps.py::test_sweep_has_a_comment_and_a_question",
    "sweep/launch/test_hydra_launch.py::TestLauncher",
)


@pytest.fixture(scope="module")
def next_hydra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the next Hydra, apart from the installed one."""
    folder = tmp_path_factory.mktemp("hydra")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*pip, *PACKAGES], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install {PACKAGES[0]}: {done.stderr.strip()[-200:]}")
    return folder


def run(arguments: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python without the real data, whose sweeps are composed no differently."""
    inherited = {name: value for name, value in os.environ.items() if name != "ABLAB_DATA"}
    return subprocess.run(
        [sys.executable, *arguments],
        env=inherited | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_configurations_and_components_pass_under_the_next_hydra(next_hydra: Path) -> None:
    path = str(next_hydra)
    version = run(["-c", "import hydra; print(hydra.__version__)"], PYTHONPATH=path)
    assert version.stdout.strip() == "1.4.0rc3"
    tests = [f"tests/{name}" for name in TESTS]
    options = ["-m", "not slow", "-q", "-p", "no:cacheprovider"]
    done = run(["-m", "pytest", *options, *tests], PYTHONPATH=path)
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.slow
def test_types_pass_under_the_next_hydra(
    next_hydra: Path, mypy: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = mypy(cwd=ROOT, path=[ROOT / "src", next_hydra])
    assert done.returncode == 0, done.stdout[-5000:]

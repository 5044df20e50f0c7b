"""`hydra/launcher=ablab` passes the test suites that Hydra has for its launchers."""

import multiprocessing.forkserver
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)
from real_sweeps import is_gone, until

from ablab.sweep.launch.hydra_job import to_bytes

SMALL = ["hydra.launcher.accelerator=cpu"]
APP = """
import os
import time
from pathlib import Path

import hydra


@hydra.main(version_base=None, config_path=None)
def main(config):
    Path(f"started-{config.x}").write_text(str(os.getpid()))
    if config.x == 1:
        os.kill(os.getpid(), 9)
    if config.x == 2:
        raise ValueError("two is too much")
    while config.x == 3:
        time.sleep(0.01)
    print("threads", os.environ["OMP_NUM_THREADS"])


main()
"""


class UnreadableError(Exception):
    """An exception that pickle writes and cannot read."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first)


@pytest.fixture(autouse=True, scope="module")
def _light_server() -> Iterator[None]:
    """What Hydra's test suites expect, and a server that imports little."""
    Plugins.instance()
    # `compose` of an earlier test has set the version of Hydra whose behavior is asked for.
    kept = {k: v for k, v in Singleton._instances.items() if k.__name__ == "VersionBase"}
    for each in kept:
        del Singleton._instances[each]
    multiprocessing.forkserver._forkserver._stop()
    yield
    multiprocessing.forkserver._forkserver._stop()
    Singleton._instances.update(kept)


@pytest.mark.parametrize(("launcher_name", "overrides"), [("ablab", SMALL)])
class TestLauncher(LauncherTestSuite):
    """Sweeps of an application in this process."""


@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [("ablab", [*SMALL, "hydra/sweeper=basic", "hydra.sweeper.max_batch_size=2"])],
)
class TestBatches(BatchedSweeperTestSuite):
    """Sweeps in batches."""


@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"), [({}, ["-m", "hydra/launcher=ablab", *SMALL])]
)
class TestIntegration(IntegrationTestSuite):
    """Applications in processes of their own."""


def start(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    (folder / "app.py").write_text(APP)
    command = [sys.executable, "app.py", "-m", "hydra/launcher=ablab", *SMALL, *overrides]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def test_jobs_go_on_where_one_is_killed(tmp_path: Path):
    process = start(tmp_path, "+x=1,0,7", "hydra.launcher.slots=1", "hydra.launcher.threads=3")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "job 0 was killed by signal 9 (SIGKILL: out of memory?)" in errors
    assert output.count("threads 3\n") == 2


def test_failure_is_reported_with_the_line_that_failed(tmp_path: Path):
    _, errors = start(tmp_path, "+x=2").communicate(timeout=60)
    assert 'raise ValueError("two is too much")' in errors
    assert "app.py" in errors


def test_what_cannot_be_pickled_is_an_error_that_names_it():
    value = JobReturn(status=JobStatus.COMPLETED)
    value.return_value = threading.Lock()
    error = JobReturn(status=JobStatus.FAILED)
    error.return_value = UnreadableError(1, 2)
    copies = [pickle.loads(to_bytes(each)) for each in (value, error)]
    with pytest.raises(RuntimeError, match="return value of a job must be one that pickle"):
        _ = copies[0].return_value
    with pytest.raises(RuntimeError, match="UnreadableError") as caught:
        _ = copies[1].return_value
    assert "UnreadableError" in caught.value.__notes__[0]


def test_wrong_options_are_refused_before_any_job(tmp_path: Path):
    wrong = [f"hydra.launcher.{each}" for each in ("slots=0", "threads=auto", "per_gpu=x")]
    _, errors = start(tmp_path, "+x=0", *wrong, "hydra.launcher.accelerator=tpu").communicate()
    lines = [line for line in errors.splitlines() if line.startswith("hydra.launcher")]
    assert lines == [
        "hydra.launcher.slots must be an integer >= 1 or auto, got 0",
        "hydra.launcher.threads must be an integer >= 1, got 'auto'",
        "hydra.launcher.per_gpu must be an integer >= 1, got 'x'",
        "hydra.launcher.accelerator must be one of auto, cpu, cuda, gpu, got 'tpu'",
    ]
    assert "Traceback" not in errors
    assert not list(tmp_path.glob("started-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_jobs_end_with_the_application(number: signal.Signals, tmp_path: Path):
    process = start(tmp_path, "+x=3")
    pid = tmp_path / "started-3"
    until(lambda: pid.exists() and pid.read_text())
    process.send_signal(number)
    process.communicate(timeout=30)
    until(lambda: is_gone(int(pid.read_text())))

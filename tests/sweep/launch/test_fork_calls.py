"""Calls in a fork of the server: answered there, or left to the caller."""

import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ablab.sweep.launch.fork_calls import CallError, ForkCalls
from ablab.sweep.launch.server import ForkServer

LOCAL = "ablab.sweep.launch.local.local_launcher"
DEVICES = {"accelerator": "cpu", "devices": 1, "strategy": "auto"}
CONFIG: dict[str, Any] = {"launcher": {"_target_": LOCAL, "threads": 1}, "devices": DEVICES}


@pytest.fixture(autouse=True)
def _light_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that imports nothing, of a process that has not imported torch."""
    monkeypatch.delitem(sys.modules, "torch")
    multiprocessing.forkserver._forkserver._stop()
    yield
    multiprocessing.forkserver._forkserver._stop()


def variable(name: str) -> tuple[str | None, str]:
    return os.environ.get(name), os.getcwd()


def refuse(text: str) -> None:
    raise ValueError(text)


def test_calls_are_answered_by_one_other_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE", "1")
    with ForkCalls("json") as calls:
        pids = {calls.call(CONFIG, os.getpid) for _ in range(2)}
        assert calls.call(CONFIG, variable, name="MINE") == ("1", str(tmp_path))
        assert calls.call(CONFIG, variable, "OMP_NUM_THREADS")[0] == "1"
    assert len(pids) == 1
    assert os.getpid() not in pids
    with pytest.raises(ProcessLookupError):
        os.kill(pids.pop(), 0)


def test_an_exception_is_left_to_the_caller():
    with ForkCalls("json") as calls:
        with pytest.raises(CallError):
            calls.call(CONFIG, refuse, "x")
        assert calls.call(CONFIG, os.getpid) != os.getpid()


def test_a_process_that_dies_answers_no_more():
    with ForkCalls("json") as calls:
        for status in (1, 2):
            with pytest.raises(CallError):
                calls.call(CONFIG, os._exit, status)


@pytest.mark.parametrize(
    "change",
    [
        {"launcher": {"_target_": "ablab.sweep.launch.ray.ray_launcher", "threads": 1}},
        {"devices": {**DEVICES, "devices": 2, "strategy": "ddp"}},
    ],
)
def test_only_launchers_that_fork_have_a_process(change: dict[str, Any]):
    with ForkCalls("json") as calls, pytest.raises(CallError):
        calls.call({**CONFIG, **change}, os.getpid)
    assert multiprocessing.forkserver._forkserver._forkserver_pid is None


def test_a_process_with_torch_calls_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch", sys)
    with ForkCalls("json") as calls, pytest.raises(CallError):
        calls.call(CONFIG, os.getpid)


def test_after_an_error_a_server_that_still_imports_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = ForkServer("slow_module", 1)
    assert not server.is_ready()
    pid = multiprocessing.forkserver._forkserver._forkserver_pid
    with pytest.raises(KeyError), ForkCalls("slow_module"):
        raise KeyError
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_after_an_error_a_server_that_is_ready_stays():
    calls = ForkCalls("json")
    calls.call(CONFIG, os.getpid)
    calls.__exit__(KeyError, None, None)
    os.kill(multiprocessing.forkserver._forkserver._forkserver_pid, 0)

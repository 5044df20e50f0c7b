"""Launchers with real processes, which run fake training so that they start at once."""

import json
import multiprocessing.forkserver
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fake_work
import pytest
from fakes import SETTINGS, make_jobs, new_run

from ablab.config.compose import compose
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.launch.fork import ForkLauncher
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.launch.slots import cgroup_cpus, cpu_slots, usable_cpus
from ablab.sweep.launch.spawn import SpawnLauncher
from ablab.sweep.launch.subprocess import SubprocessLauncher
from ablab.sweep.launch.worker import Target
from ablab.sweep.limits import Limits
from ablab.sweep.schedule import Schedule
from ablab.sweep.watcher import Watcher
from ablab.tracking.lab import Lab
from ablab.tracking.run import LOG, Run

SLOTS = [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]


def fork_launcher(target: Target) -> ForkLauncher:
    return ForkLauncher(SLOTS, 3, target, preload="json")


def spawn_launcher(target: Target) -> SpawnLauncher:
    return SpawnLauncher(SLOTS, 3, target)


BOTH = pytest.mark.parametrize("make", [fork_launcher, spawn_launcher])


@pytest.fixture(autouse=True, scope="module")
def _light_server() -> Iterator[None]:
    """A server that imports nothing; tests that train get one that has imported everything."""
    multiprocessing.forkserver._forkserver._stop()
    yield
    multiprocessing.forkserver._forkserver._stop()


@contextmanager
def closing(launcher: Launcher) -> Iterator[Any]:
    try:
        yield launcher
    finally:
        launcher.close()


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


def environment_of(run: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run.folder / "environment_seen.json").read_text())
    return content


@BOTH
def test_trials_run_in_their_slots_with_settings_and_environment(
    lab: Lab, make: Callable[[Target], Any]
):
    jobs = make_jobs("a", "b")
    with closing(make(fake_work.describe)) as launcher:
        Schedule(lab, jobs, launcher, SETTINGS).run()
    assert [job.state for job in jobs] == ["finished"] * 2
    environments = [environment_of(lab.runs(key)[0]) for key in "ab"]
    assert {seen["gpu"] for seen in environments} <= {"0", "1"}
    for seen in environments:
        assert seen["threads"] == "3"
        assert seen["settings"] == SETTINGS.to_json()
        assert seen["ignores_sigint"]
        assert seen["main"] is None  # the program that started the sweep is not run again
        assert not seen["torch"]
    assert os.environ.get("CUDA_VISIBLE_DEVICES") is None


def test_each_forked_trial_has_its_own_process(lab: Lab):
    jobs = make_jobs(*"abc")
    with closing(fork_launcher(fake_work.describe)) as launcher:
        Schedule(lab, jobs, launcher, SETTINGS).run()
    assert len({environment_of(lab.runs(key)[0])["pid"] for key in "abc"}) == 3


def test_spawned_processes_are_reused(lab: Lab):
    jobs = make_jobs(*"abcd")
    with closing(spawn_launcher(fake_work.describe)) as launcher:
        Schedule(lab, jobs, launcher, SETTINGS).run()
    assert len({environment_of(lab.runs(key)[0])["pid"] for key in "abcd"}) <= 2


@BOTH
def test_killed_trials_are_retried(lab: Lab, make: Callable[[Target], Any]):
    jobs = make_jobs("a", "b")
    with closing(make(fake_work.die_once)) as launcher:
        Schedule(lab, jobs, launcher, SETTINGS).run()
    assert [(job.state, job.kills) for job in jobs] == [("finished", 1)] * 2


@BOTH
def test_stop_sends_sigterm_and_poll_returns_the_status(lab: Lab, make: Callable[[Target], Any]):
    run = new_run(lab, "a")
    with closing(make(fake_work.stop_on_sigterm)) as launcher:
        worker = launcher.start(run, SETTINGS, 0)
        until((run.folder / "ready").exists)
        assert worker.poll() is None
        worker.stop()
        until(lambda: worker.poll() is not None)
        assert worker.poll() == 143
    assert (run.folder / "stopped").exists()


@BOTH
def test_silent_trial_is_killed_and_its_log_has_its_stack(lab: Lab, make: Callable[[Target], Any]):
    (job,) = jobs = make_jobs("a")
    with closing(make(fake_work.hang)) as launcher:
        Schedule(lab, jobs, launcher, SETTINGS, retries=0, limits=Limits(start_limit=2)).run()
    assert job.state == "failed"
    assert job.reason.startswith("gave no sign of life in time (launcher.start_limit=2 seconds)")
    (run,) = lab.runs("a")
    assert "in wait_for_ever" in (run.folder / LOG).read_text()
    assert not run.is_locked()


@BOTH
def test_close_kills_running_trials(lab: Lab, make: Callable[[Target], Any]):
    run = new_run(lab, "a")
    with closing(make(fake_work.wait_for_go)) as launcher:
        launcher.start(run, SETTINGS, 0)
        until((run.folder / "pids").exists)
    until(lambda: not run.is_locked())


def test_killed_server_is_replaced_and_its_trials_are_not_started_twice(lab: Lab):
    jobs = make_jobs("a", "b")

    class KillServer(Watcher):
        killed = False

        def tick(self) -> None:
            runs = [run for key in "ab" for run in lab.runs(key)]
            if not self.killed and sum((t.folder / "pids").exists() for t in runs) == 2:
                os.kill(multiprocessing.forkserver._forkserver._forkserver_pid, signal.SIGKILL)
                self.killed = True
            elif all(job.state == "locked" for job in jobs):
                for run in runs:
                    (run.folder / "go").touch()

    with closing(fork_launcher(fake_work.wait_for_go)) as launcher:
        Schedule(lab, jobs, launcher, SETTINGS, watchers=[KillServer()], retries=0).run()
        assert [job.state for job in jobs] == ["finished"] * 2
        for key in "ab":
            (run,) = lab.runs(key)
            assert len((run.folder / "pids").read_text().split()) == 1
        (later,) = make_jobs("c")
        new_run(lab, "c").folder.joinpath("go").touch()
        Schedule(lab, [later], launcher, SETTINGS).run()  # a new server serves it
    assert later.state == "finished"


def test_a_server_that_the_program_had_before_is_not_waited_for_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("ablab.sweep.launch.server._MAX_START", 0.2)
    multiprocessing.forkserver._forkserver._stop()
    multiprocessing.get_context("forkserver").Process(target=os.getpid).start()
    with closing(fork_launcher(fake_work.wait_for_go)) as launcher:
        assert not launcher.is_ready()
        until(launcher.is_ready)
        assert launcher.is_ready()


def test_subprocess_launcher_has_one_slot(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_work.__file__).parent))
    jobs = make_jobs("a", "b")
    with closing(SubprocessLauncher("fake_work")) as launcher:
        assert launcher.slots == 1
        Schedule(lab, jobs, launcher, SETTINGS).run()
    assert [job.state for job in jobs] == ["finished"] * 2
    assert environment_of(lab.runs("a")[0])["settings"] == SETTINGS.to_json()


def test_command_is_killed_with_all_its_processes(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "family.py").write_text(
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(sys.argv[1], 'child').write_text(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = new_run(lab, "a")
    launcher = SubprocessLauncher("family")
    worker = launcher.start(run, SETTINGS, 0)
    file = run.folder / "child"
    until(lambda: file.exists() and file.read_text())
    launcher.close()
    until(lambda: worker.poll() is not None)
    child = Path(f"/proc/{file.read_text()}/stat")
    until(lambda: not child.exists() or child.read_text().split()[2] == "Z")


@pytest.mark.parametrize(("platform", "kind"), [("linux", ForkLauncher), ("darwin", SpawnLauncher)])
def test_platform_determines_the_launcher(
    platform: str, kind: type, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.platform", platform)
    launcher = make_launcher(compose(["devices=cpu", "launcher.slots=3"]).resolved())
    assert isinstance(launcher, kind)
    assert launcher.slots == 3


def test_trials_of_several_processes_run_one_at_a_time():
    launcher = make_launcher(compose(["devices=ddp_cpu", "launcher.slots=3"]).resolved())
    assert isinstance(launcher, SubprocessLauncher)
    assert launcher.slots == 1


def test_slots_are_the_cpus_divided_by_threads(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ablab.sweep.launch.slots.usable_cpus", lambda: 8)
    assert [len(cpu_slots("auto", threads)) for threads in (1, 3, 16)] == [8, 2, 1]
    assert len(cpu_slots(5, 8)) == 5


@pytest.mark.parametrize(
    ("listing", "files", "cpus"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "200000 100000"}, 2.0),
        ("0::/a\n", {}, None),
        (
            "2:cpu,cpuacct:/x\n1:memory:/x\n",
            {"cpu/x/cpu.cfs_quota_us": "50000", "cpu/x/cpu.cfs_period_us": "100000"},
            0.5,
        ),
        ("2:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "1"}, None),
    ],
)
def test_control_groups_limit_the_cpus(
    tmp_path: Path, listing: str, files: dict[str, str], cpus: float | None
):
    (tmp_path / "cgroup").write_text(listing)
    for name, content in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(content)
    assert cgroup_cpus(tmp_path / "cgroup", tmp_path / "fs") == cpus


def test_at_least_one_cpu_is_usable():
    assert usable_cpus() >= 1

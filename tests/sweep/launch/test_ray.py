"""Trials as tasks of a Ray cluster of three nodes, one of which is killed."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import fake_work
import pytest
from fakes import SETTINGS, make_jobs, new_run, pids
from real_sweeps import is_gone, until

from ablab.config.compose import compose
from ablab.errors import NO_RESOURCE, InputError
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.launch.launcher import ExplainingWorker, SharingLauncher
from ablab.sweep.launch.ray import ray_launcher
from ablab.sweep.launch.ray_trial import RayTrial, sees, train_on_node
from ablab.sweep.schedule import Schedule
from ablab.sweep.watcher import Watcher
from ablab.tracking.lab import Lab
from ablab.training.settings import Devices

ray = pytest.importorskip("ray")

ON_CLUSTER = pytest.mark.slow  # its start takes 10 s and more
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(**NODE)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def launch(cluster: Any, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a function that makes the launcher, whose trials run a function of `fake_work`."""
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_work.__file__).parent))
    launchers = []

    def make(function: str, **options: Any) -> Any:
        (lab.root / "fake_work").write_text(function)
        launcher = ray_launcher(Devices("cpu"), 1, address=cluster.address, **options)
        launcher._module = "fake_work"
        launchers.append(launcher)
        return launcher

    yield make
    for launcher in launchers:
        launcher.close()


@ON_CLUSTER
def test_trials_run_in_all_the_room_of_the_cluster(lab: Lab, launch: Callable[..., Any]):
    launcher = launch("describe")
    assert launcher.slots == 3
    jobs = make_jobs(*"abcd")
    Schedule(lab, jobs, launcher, SETTINGS).run()
    assert [job.state for job in jobs] == ["finished"] * 4
    seen = json.loads((lab.runs("a")[0].folder / "environment_seen.json").read_text())
    assert seen["settings"] == SETTINGS.to_json()
    assert seen["threads"] == str(SETTINGS.threads)
    assert seen["gpu"] == ""  # a trial without `gpus` has none
    assert not list(lab.root.glob(".ray*"))


@ON_CLUSTER
def test_options_say_what_a_trial_reserves(launch: Callable[..., Any]):
    launcher = launch("describe", gpus=0.5, cpus=2, memory_gb=1, slots=4)
    assert launcher.slots == 4
    assert isinstance(launcher, SharingLauncher)
    assert launcher.is_shared(0)
    reserved = launcher._resources
    assert (reserved.num_cpus, reserved.num_gpus, reserved.memory) == (2, 0.5, 2**30)
    assert reserved.task(alone=False)._default_options["num_gpus"] == 0.5
    assert reserved.task(alone=True)._default_options["num_gpus"] == 1.0
    assert reserved.task(alone=True)._default_options["max_calls"] == 1


@ON_CLUSTER
def test_trial_that_needs_a_whole_gpu_reserves_one(launch: Callable[..., Any]):
    launcher = launch("describe", gpus=0.5, slots=2)
    assert launcher.reserve(1, alone=True)
    assert launcher._alone == {1}
    launcher.release(1)
    assert launcher.reserve(1, alone=False)
    assert launcher._alone == set()


@ON_CLUSTER
def test_cancelled_trial_gets_sigterm(lab: Lab, launch: Callable[..., Any]):
    launcher, run = launch("stop_on_sigterm"), new_run(lab, "a")
    worker = launcher.start(run, SETTINGS, 0)
    assert isinstance(worker, ExplainingWorker)
    until((run.folder / "ready").exists)
    assert worker.poll() is None
    worker.stop()
    until(lambda: worker.poll() is not None)
    assert worker.poll() == 143
    assert (run.folder / "stopped").exists()


@ON_CLUSTER
def test_cancellation_is_repeated_until_the_trial_has_ended(
    lab: Lab, launch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    from ablab.sweep.launch import ray_tasks

    launcher, run = launch("stop_slowly"), new_run(lab, "a")
    worker, cancel, requests = launcher.start(run, SETTINGS, 0), ray_tasks.ray.cancel, []

    def lose_the_first(task: Any) -> None:
        requests.append(task)
        if len(requests) > 1:
            cancel(task)

    monkeypatch.setattr(ray_tasks.ray, "cancel", lose_the_first)
    monkeypatch.setattr(ray_tasks, "_CANCEL_SECONDS", 0.5)
    until((run.folder / "ready").exists)
    worker.stop()
    until(lambda: worker.poll() is not None)
    assert worker.poll() == 143
    assert len(requests) > 2
    assert (run.folder / "stopped").exists()


@ON_CLUSTER
def test_killed_trial_ends_with_its_worker(lab: Lab, launch: Callable[..., Any]):
    launcher, run = launch("wait_with_parent"), new_run(lab, "a")
    worker = launcher.start(run, SETTINGS, 0)
    until(lambda: pids(run))
    launcher.close()
    until(lambda: worker.poll() is not None)
    until(lambda: not run.is_locked())


@ON_CLUSTER
def test_lab_that_a_node_does_not_see_stops_the_sweep_before_a_trial(
    lab: Lab, launch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    launcher, jobs = launch("describe"), make_jobs("a", "b")
    monkeypatch.setattr(Path, "touch", lambda self: None)  # the marker is nowhere
    schedule = Schedule(lab, jobs, launcher, SETTINGS)
    schedule.run()
    assert [job.state for job in jobs] == ["stopped"] * 2
    assert schedule.shortage == (
        f"{lab.root} must be on storage that all nodes of the cluster share, got none on "
        f"{socket.gethostname()}"
    )


def test_node_that_joins_later_without_the_lab_trains_nothing(tmp_path: Path):
    trial = RayTrial(tmp_path / "none", SETTINGS, {}, tmp_path)
    status, reason = train_on_node(trial)
    assert status == NO_RESOURCE
    assert reason.startswith(f"{tmp_path / 'none'} must be on storage that all nodes")
    assert sees(tmp_path) == (socket.gethostname(), True)


@pytest.mark.parametrize(("own", "read"), [(None, "/sweeps"), ("/nodes", "/nodes")])
def test_data_of_a_node_are_those_that_it_has_in_its_environment(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, own: str | None, read: str
):
    monkeypatch.delenv("ABLAB_DATA", raising=False)
    if own is not None:
        monkeypatch.setenv("ABLAB_DATA", own)
    here, run = Path(fake_work.__file__).parent, new_run(lab, "a")
    variables = {"ABLAB_DATA": "/sweeps", "PYTHONPATH": str(here)}
    assert train_on_node(RayTrial(run.folder, SETTINGS, variables, here, "fake_work")) == (0, "")
    assert json.loads((run.folder / "environment_seen.json").read_text())["data"] == read


@pytest.mark.parametrize(
    ("address", "got"),
    [("10.0.0.1", "'10.0.0.1'"), ("ray://a:1", "ray://a:1: "), ("localhost:1", "localhost:1: ")],
)
def test_address_without_a_cluster_is_refused_in_one_line(
    address: str, got: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(InputError) as caught:
        make_launcher(compose(["launcher=ray", f"launcher.address='{address}'"]).resolved())
    rule = "launcher.address must be auto, local or host:port of a running Ray cluster, got "
    assert str(caught.value).startswith(rule + got)
    assert "\n" not in str(caught.value)


def test_other_program_at_the_address_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        with pytest.raises(InputError, match=f"got {address}: another program answers there"):
            make_launcher(compose(["launcher=ray", f"launcher.address='{address}'"]).resolved())


def test_no_cluster_on_this_machine_is_one_line(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance. Please specify the one")

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", refuse)
    with pytest.raises(InputError, match="got auto: Could not find any running Ray instance"):
        make_launcher(compose(["launcher=ray"]).resolved())


@ON_CLUSTER
def test_killed_node_loses_no_trial(lab: Lab, cluster: Any, launch: Callable[..., Any]):
    launcher, jobs = launch("wait_with_parent"), make_jobs(*"abcd")

    class KillNode(Watcher):
        is_killed = False

        def tick(self) -> None:
            """Kill a node on which a trial runs; let the trials end when one of them has died."""
            runs = [run for key in "abcd" for run in lab.runs(key)]
            started = [int(pids(run)[0]) for run in runs if pids(run)]
            if not self.is_killed and len(started) == 3:
                self.is_killed = True
                node = next(iter(cluster.worker_nodes))
                cluster.remove_node(node, allow_graceful=False)
            elif self.is_killed and any(is_gone(pid) for pid in started):
                for run in runs:
                    (run.folder / "go").touch()

    Schedule(lab, jobs, launcher, SETTINGS, retries=0, watchers=[KillNode()]).run()
    assert [(job.state, job.kills) for job in jobs] == [("finished", 0)] * 4
    attempts = [len(pids(run)) for key in "abcd" for run in lab.runs(key)]
    assert sorted(attempts) == [1, 1, 1, 2]

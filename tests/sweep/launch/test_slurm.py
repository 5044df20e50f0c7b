"""Trials as jobs of SLURM, on a simulated cluster and in submitit's local executor."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_slurm
import fake_work
import pytest
from fakes import SETTINGS, EventLog, make_jobs, new_run, pids

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.errors import BUG, InputError
from ablab.faults import ConfigError
from ablab.sweep.job import Job
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.launch.extras import require_package
from ablab.sweep.launch.launcher import ExplainingWorker, QueueingLauncher
from ablab.sweep.launch.slurm import slurm_launcher
from ablab.sweep.launch.slurm_trial import SlurmTrial
from ablab.sweep.launch.submitit_jobs import SubmititLauncher
from ablab.sweep.launch.trial_process import TrialProcess
from ablab.sweep.schedule import Schedule
from ablab.sweep.watcher import Watcher
from ablab.tracking.lab import Lab
from ablab.training.settings import Devices

submitit = pytest.importorskip("submitit")


def until(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "cluster"
    for name, value in fake_slurm.install(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fake_slurm, "ROOT", folder)
    monkeypatch.setattr("ablab.sweep.launch.submitit_jobs.POLL_SECONDS", 0.1)
    monkeypatch.setattr("ablab.sweep.launch.slurm_trial._REQUEUE_SECONDS", 0.0)
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_work.__file__).parent))
    yield folder
    for path in folder.glob("*.pid"):
        fake_slurm.send(path.stem, signal.SIGKILL)


@pytest.fixture
def launch(lab: Lab, cluster: Path) -> Iterator[Callable[..., Any]]:
    """Return a function that makes the launcher, whose trials run a function of `fake_work`."""
    launchers = []

    def make(function: str, **options: Any) -> SubmititLauncher:
        (lab.root / "fake_work").write_text(function)
        launcher = slurm_launcher(Devices("cpu"), 3, **options)
        assert isinstance(launcher, SubmititLauncher)
        launcher._module = "fake_work"
        launchers.append(launcher)
        return launcher

    yield make
    for launcher in launchers:
        launcher.close()


def test_all_waiting_trials_are_one_array(lab: Lab, cluster: Path, launch: Callable[..., Any]):
    launcher = launch("describe", slots=2, partition="gpu", gpus=1, memory_gb=1.5, time_minutes=7)
    assert isinstance(launcher, QueueingLauncher)
    jobs = make_jobs(*"abc")
    Schedule(lab, jobs, launcher, SETTINGS, retries=0).run()
    assert [job.state for job in jobs] == ["finished"] * 3
    seen = json.loads((lab.runs("a")[0].folder / "environment_seen.json").read_text())
    assert seen["threads"] == "3"
    assert seen["settings"] == SETTINGS.to_json()
    assert seen["gpu"] is None  # as SLURM sets it
    (script,) = cluster.glob("*.script")
    lines = script.read_text().splitlines()
    assert [line for line in lines if line.startswith("#SBATCH")] == [
        "#SBATCH --array=0-2%2",
        "#SBATCH --cpus-per-task=3",
        f"#SBATCH --error={lab.root}/slurm/%A_%a_0_log.err",
        "#SBATCH --gpus-per-node=1",
        "#SBATCH --job-name=ablab",
        "#SBATCH --mem=1536MB",
        "#SBATCH --nodes=1",
        "#SBATCH --open-mode=append",
        f"#SBATCH --output={lab.root}/slurm/%A_%a_0_log.out",
        "#SBATCH --partition=gpu",
        "#SBATCH --requeue",
        "#SBATCH --signal=USR2@90",
        "#SBATCH --time=7",
        "#SBATCH --wckey=submitit",
    ]
    files = {path.name for path in (lab.root / "slurm").glob("[!.]*")}
    assert files == {"1_submission.sh"}  # those of finished jobs are removed


@pytest.mark.usefixtures("cluster")
def test_further_options_are_passed_to_sbatch(lab: Lab, cluster: Path, launch: Callable[..., Any]):
    launcher = launch("describe", extra={"account": "vision", "requeue": True, "gres": "gpu:a100"})
    jobs = make_jobs("a")
    Schedule(lab, jobs, launcher, SETTINGS).run()
    seen = json.loads((lab.runs("a")[0].folder / "environment_seen.json").read_text())
    assert seen["gpu"] == ""  # a trial without `gpus` has none
    text = (cluster / "1.script").read_text()
    assert "#SBATCH --account=vision\n" in text
    assert "#SBATCH --gres=gpu:a100\n" in text
    assert "--array" not in text  # one trial is a plain job


def test_preempted_trial_is_requeued_and_continues_in_the_same_run(
    lab: Lab, cluster: Path, launch: Callable[..., Any]
):
    launcher, log = launch("wait_for_go"), EventLog()
    (job,) = jobs = make_jobs("a")

    class Preempt(Watcher):
        def tick(self) -> None:
            for run in lab.runs("a"):
                if len(pids(run)) == 1 and not (cluster / "sent").exists():
                    (cluster / "sent").touch()
                    fake_slurm.send("1", signal.SIGUSR2)
                if len(pids(run)) == 2:
                    (run.folder / "go").touch()

    Schedule(lab, jobs, launcher, SETTINGS, retries=0, watchers=[log, Preempt()]).run()
    assert job.state == "finished"
    assert job.kills == 0
    assert len(lab.runs("a")) == 1
    assert len(pids(lab.runs("a")[0])) == 2
    assert [event for event, _ in log.events] == ["started", "ended"]


def test_killed_job_is_submitted_again_and_its_state_is_the_reason(
    lab: Lab, cluster: Path, launch: Callable[..., Any]
):
    launcher = launch("wait_for_go")
    (job,) = jobs = make_jobs("a")

    class Kill(Watcher):
        reason = ""

        def tick(self) -> None:
            (run,) = lab.runs("a")
            if len(pids(run)) == 1 and not (cluster / "killed").exists():
                (cluster / "killed").touch()
                fake_slurm.send("1", signal.SIGKILL)
            if len(pids(run)) == 2:
                (run.folder / "go").touch()

        def retried(self, job: Job) -> None:
            self.reason = job.reason

    kill = Kill()
    Schedule(lab, jobs, launcher, SETTINGS, watchers=[kill]).run()
    assert job.state == "finished"
    assert job.kills == 1
    assert kill.reason.startswith("SLURM ended job 1: FAILED")


def test_interrupt_cancels_jobs(lab: Lab, launch: Callable[..., Any]):
    launcher = launch("stop_on_sigterm")
    jobs = make_jobs("a", "b")

    def ready() -> bool:
        return all((run.folder / "ready").exists() for key in "ab" for run in lab.runs(key))

    class Interrupt(Watcher):
        count = 0

        def tick(self) -> None:
            self.count = int(self.count or ready())

    interrupt = Interrupt()
    counts = {"interrupts": lambda: interrupt.count, "watchers": [interrupt]}
    Schedule(lab, jobs, launcher, SETTINGS, **counts).run()
    assert [job.state for job in jobs] == ["stopped"] * 2
    assert all((lab.runs(key)[0].folder / "stopped").exists() for key in "ab")


def test_refused_submission_stops_the_sweep_with_the_message_of_sbatch(
    lab: Lab, launch: Callable[..., Any]
):
    launcher = launch("describe", partition="nowhere")
    jobs = make_jobs("a", "b")
    schedule = Schedule(lab, jobs, launcher, SETTINGS)
    schedule.run()
    assert [job.state for job in jobs] == ["stopped"] * 2
    assert schedule.shortage == (
        "sbatch must accept the jobs, got sbatch: error: invalid partition specified: nowhere"
    )


def test_submitits_local_executor_runs_and_requeues_a_trial(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_work.__file__).parent))
    (lab.root / "fake_work").write_text("wait_for_go")
    monkeypatch.setattr("ablab.sweep.launch.submitit_jobs.POLL_SECONDS", 0.1)
    launcher = SubmititLauncher(submitit.LocalExecutor, 2, 2, module="fake_work")
    run = new_run(lab, "a")
    worker = launcher.start(run, SETTINGS, 0)
    assert isinstance(worker, ExplainingWorker)
    launcher.wait([worker], 0)
    until(lambda: len(pids(run)) == 1)
    assert worker.poll() is None
    task = children(int(worker.job.job_id))[0]
    os.kill(task, signal.SIGUSR2)
    until(lambda: len(pids(run)) == 2)
    (run.folder / "go").touch()
    until(lambda: worker.poll() is not None)
    assert (worker.poll(), worker.explain()) == (0, "")


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_trial_that_times_out_too_often_says_so(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_work.__file__).parent))
    (lab.root / "fake_work").write_text("wait_for_go")
    monkeypatch.setattr("ablab.sweep.launch.submitit_jobs.POLL_SECONDS", 0.1)

    def make_executor(folder: Path) -> Any:
        executor = submitit.LocalExecutor(folder, max_num_timeout=0)
        executor.update_parameters(timeout_min=1 / 60 * 6, signal_delay_s=4)
        return executor

    launcher = SubmititLauncher(make_executor, 1, 1, module="fake_work")
    worker = launcher.start(new_run(lab, "a"), SETTINGS, 0)
    launcher.wait([worker], 0)
    until(lambda: worker.poll() is not None)
    assert worker.poll() == BUG
    assert "timed-out too many times" in worker.explain()


def test_child_of_a_job_is_no_rank_of_slurms_and_ignores_its_signal(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_work.__file__).parent))
    monkeypatch.setenv("SLURM_NTASKS", "8")
    run = new_run(lab, "a")
    assert TrialProcess(run.folder, SETTINGS, "fake_work").run() == 0
    seen = json.loads((run.folder / "environment_seen.json").read_text())
    assert seen["slurm"] == []
    assert seen["ignores_sigusr2"]


def test_requeued_job_runs_the_same_trial(lab: Lab):
    run = new_run(lab, "a")
    again = SlurmTrial(run.folder, SETTINGS, "fake_work", {"A": "b"}).checkpoint().function
    assert again._arguments == (run.folder, SETTINGS, "fake_work", {"A": "b"})


def test_missing_programs_and_packages_are_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"launcher must find sbatch, srun, .* got no sbatch"):
        make_launcher(compose(["launcher=slurm"]).resolved())
    with pytest.raises(InputError, match=r"pip install 'ablab\[slurm\]'$"):
        require_package("slurm", "no_such_package")


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["devices=ddp"], "devices.devices must be a number for a launcher on other machines"),
        (["devices.accelerator=gpu"], "launcher.gpus must be 1 for devices.accelerator=gpu, got 0"),
        (
            ["devices=ddp", "devices.devices=4", "launcher.gpus=2"],
            "launcher.gpus must be 4, as devices.devices, got 2",
        ),
        (["launcher.gpus=-1"], "launcher.gpus must be a number >= 0, got -1"),
        (["launcher.cpus=0"], "launcher.cpus must be an integer >= 1 or auto, got 0"),
        (["launcher.memory_gb=0"], "launcher.memory_gb must be a number > 0 or null, got 0"),
        (["launcher.time_minutes=0"], "launcher.time_minutes must be an integer >= 1, got 0"),
        (["launcher.requeues=-1"], "launcher.requeues must be an integer >= 0, got -1"),
        (["launcher.extra=a"], "launcher.extra must be a mapping, got 'a'"),
        (["launcher.slots=auto"], "launcher.slots must be an integer, got 'auto'"),
        (["launcher.partition=1"], "launcher.partition must be text or null, got 1"),
        (["backend=by_hand", "launcher.gpus=1"], "devices.accelerator must be cpu for backend=by_"),
    ],
)
def test_devices_are_checked_against_those_of_a_job(overrides: list[str], fault: str):
    with pytest.raises(ConfigError) as caught:
        resolve(compose(["launcher=slurm", *overrides]))
    assert any(message.startswith(fault) for message in caught.value.faults)


def test_gpus_of_a_job_need_not_be_on_this_machine():
    overrides = [
        "devices=ddp",
        "devices.devices=2",
        "launcher.gpus=2",
        "trainer.precision=16-mixed",
    ]
    elsewhere = resolve(compose(["launcher=slurm", "launcher.extra={account: a}", *overrides]))
    here = resolve(compose(["devices=ddp_cpu"]))
    assert elsewhere.config["launcher"]["extra"] == {"account": "a"}
    assert elsewhere.key != here.key  # by the precision alone

"""The local launcher on GPUs: two sweeps share the machine, and each trial sees its own GPUs."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fake_work
import pytest
from fakes import SETTINGS, EventLog, FakeLauncher, make_jobs

from ablab.sweep.launch.fork import ForkLauncher
from ablab.sweep.launch.gpu_launcher import GPULauncher
from ablab.sweep.launch.gpu_locks import GPULocks
from ablab.sweep.launch.gpus import GPU, GPUSlot, gpu_slots
from ablab.sweep.launch.launcher import Launcher, SharingLauncher
from ablab.sweep.launch.local import local_launcher
from ablab.sweep.launch.subprocess import SubprocessLauncher
from ablab.sweep.schedule import Schedule
from ablab.tracking.lab import Lab
from ablab.training.settings import Devices

GPUS = [GPU("3", "GPU-a"), GPU("5", "GPU-b")]


def on_gpus(
    folder: Path, slots: Sequence[GPUSlot], launcher: Launcher | None = None
) -> GPULauncher:
    return GPULauncher(launcher or FakeLauncher(len(slots)), GPULocks(slots, folder))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.sweep.launch.local.visible_gpus", lambda: GPUS)


@pytest.mark.usefixtures("machine")
def test_local_launcher_has_the_shares_of_each_gpu():
    launcher = local_launcher(Devices(), 1, per_gpu=2)
    assert isinstance(launcher, SharingLauncher)
    assert isinstance(launcher.launcher, ForkLauncher)
    assert launcher.slots == 4
    assert launcher.is_shared(0)
    assert not isinstance(local_launcher(Devices("cpu"), 1, 1), SharingLauncher)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("count", "slots"), [(1, 2), (2, 1), (-1, 1)])
def test_trial_of_several_gpus_is_a_process_of_its_own(count: int, slots: int):
    launcher = local_launcher(Devices("gpu", count, "ddp"), 1)
    assert isinstance(launcher, GPULauncher)
    assert isinstance(launcher.launcher, SubprocessLauncher)
    assert launcher.slots == slots
    assert not launcher.is_shared(0)


def test_command_sees_all_its_gpus(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_work.__file__).parent))
    slots = [GPUSlot(tuple(GPUS))]
    command = SubprocessLauncher("fake_work", [slot.environment for slot in slots])
    launcher = on_gpus(tmp_path / "gpus", slots, command)
    jobs = make_jobs("a")
    Schedule(lab, jobs, launcher, SETTINGS).run()
    launcher.close()
    seen: dict[str, Any] = json.loads(
        (lab.runs("a")[0].folder / "environment_seen.json").read_text()
    )
    assert seen["gpu"] == "3,5"


def test_two_sweeps_share_a_gpu_and_one_waits_for_the_other(lab: Lab, tmp_path: Path):
    slots = gpu_slots(GPUS[:1], "auto", 1)
    first = on_gpus(tmp_path / "gpus", slots)
    assert first.reserve(0, alone=False)
    second, log = on_gpus(tmp_path / "gpus", slots), EventLog()
    threading.Timer(0.5, first.close).start()
    jobs = make_jobs("a", "b")
    Schedule(lab, jobs, second, SETTINGS, watchers=[log]).run()
    assert log.events[0] == ("blocked", "")
    assert [job.state for job in jobs] == ["finished"] * 2
    assert first.reserve(0, alone=False)  # the second has released it

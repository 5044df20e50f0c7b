"""The early start of the server: only where trials of the sweep are surely forked, or likely."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ablab.sweep.launch import early
from ablab.sweep.launch.early import deliver_early, start_early
from ablab.tracking.files import mark
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, write_part
from ablab.tracking.spec import Spec

pytestmark = pytest.mark.usefixtures("own_home")


class Delivery:
    """Stands for the process that delivers."""

    def __init__(self, lab: Lab, sweep: str) -> None:
        self.lab, self.sweep = lab, sweep


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of threads of the servers that were started."""
    threads: list[int] = []

    class Server:
        def __init__(self, _preload: str, number: int) -> None:
            threads.append(number)

        def is_ready(self) -> bool:
            return False

    monkeypatch.setattr(early, "ForkServer", Server)
    monkeypatch.setattr(early, "BackgroundDelivery", Delivery)
    monkeypatch.delitem(sys.modules, "torch")
    return threads


def test_a_new_sweep_starts_it(started: list[int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert start_early("demo", ["trainer.max_epochs=1"])
    assert started == [3]


def test_the_delivery_of_a_sweep_is_started_unless_the_tracking_is_set():
    delivery = deliver_early("demo", ["optimizer.lr=0.5"])
    assert isinstance(delivery, Delivery)
    assert delivery.sweep == "demo [optimizer.lr=0.5]"
    assert deliver_early("demo", ["tracking.deliver=false"]) is None
    assert deliver_early("learning_rate_tuned", []) is None


@pytest.mark.parametrize("override", ["launcher=slurm", "launcher.threads=2", "devices=ddp_cpu"])
def test_another_launcher_or_other_devices_do_not(override: str, started: list[int]):
    assert not start_early("demo", [override])
    assert started == []


def test_a_sweep_that_sets_its_launcher_does_not(sweeps: Path, started: list[int]):
    (sweeps / "mine.yaml").write_text("launcher: {threads: 2}\nsweep: {question: q}\n")
    start_early("mine", [])
    assert started == []


@pytest.mark.parametrize("name", ["nothing", "../demo", ""])
def test_an_unknown_sweep_does_not(name: str, started: list[int]):
    start_early(name, [])
    assert started == []


def test_a_wrong_number_of_threads_does_not(started: list[int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    start_early("demo", [])
    assert started == []


def test_a_finished_plan_does_not(lab: Lab, started: list[int], monkeypatch: pytest.MonkeyPatch):
    spec = Spec("q", variants={"relu": {}}, blocks={"b": {}}, baseline="relu", seeds=(0,))
    cell = Cell("relu", 0, "b", "0123456789abcdef")
    write_part(lab.sweep_folder("demo"), Part("comparison", 0.0, "", spec, (cell,), {cell.key: {}}))
    start_early("demo", [])
    assert started == [1]
    monkeypatch.setattr(Lab, "finished", lambda _lab, key: key == cell.key or None)
    start_early("demo", [])
    assert started == [1]


def test_folders_of_killed_processes_are_removed_even_if_no_server_is_started(
    tmp_path: Path, started: list[int], monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "temporary"
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for name, owner in {"killed": _mark_of_an_ended_process(), "ours": mark(), "other": ""}.items():
        (folder / f"pymp-{name}").mkdir(parents=True)
        (folder / f"pymp-{name}" / "ablab.owner").write_text(owner)
    (folder / f"ablab-{_mark_of_an_ended_process()}-x").mkdir()
    start_early("nothing", [])
    assert started == []
    assert sorted(path.name for path in folder.iterdir()) == ["pymp-other", "pymp-ours"]


def _mark_of_an_ended_process() -> str:
    process = subprocess.Popen(["true"])
    process.wait()
    return f"{mark().partition('-')[0]}-{process.pid}"

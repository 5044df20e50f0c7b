"""`launcher=NAME` chooses the launcher of a sweep; a launcher is one file and one YAML."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ablab.catalogue.lists import describe, list_members
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.sweep.engine import run_sweep
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.launch.fork import ForkLauncher
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan

SWEEP = """# @package _global_
defaults:
  - override /architecture: mlp
sweep:
  question: Which?
  kind: best
  seeds: 2
  grid: {activation: [relu, tanh]}
"""
SOURCE = """from pathlib import Path

from fakes import FakeLauncher, FakeWorker, fail


class Recording(FakeLauncher):
    def __init__(self, diary: str, devices, lanes: int = 1):
        super().__init__(lanes)
        self.diary, self.devices = Path(diary), devices

    def start(self, run, settings, slot: int) -> FakeWorker:
        with self.diary.open("a") as file:
            file.write(f"{run.key} {slot} {settings.to_json()}\\n")
        return super().start(run, settings, slot)


class Failing(Recording):
    def __init__(self, diary: str, devices):
        super().__init__(diary, devices)
        self.default = fail


def nothing() -> int:
    return 3
"""
YAML = "# Records the runs that it starts.\n_target_: mine.{name}\nthreads: 2\nretries: 0\n"


@pytest.fixture
def diary(tmp_path: Path, mine: Callable[[str], Path], sweeps: Path) -> Path:
    """Write a user's launcher, which records the runs that it starts, and a sweep."""
    mine(SOURCE)
    folder = tmp_path / "conf" / "launcher"
    folder.mkdir(parents=True)
    options = f"diary: {tmp_path / 'diary.txt'}\nlanes: 3\n"
    (folder / "diary.yaml").write_text(YAML.format(name="Recording") + options)
    (sweeps / "mine.yaml").write_text(SWEEP)
    return tmp_path / "diary.txt"


def faults(*overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        resolve(compose(overrides))
    return caught.value.faults


def test_sweep_uses_the_chosen_launcher(diary: Path, lab: Lab):
    console = Console(file=io.StringIO(), width=200)
    overrides = ["launcher=diary", "devices=cpu"]
    assert run_sweep("mine", overrides, offline=True, console=console) == 0
    plan = read_plan(lab.sweep_folder("mine"))  # the launcher does not change the sweep id
    assert plan is not None
    assert all(lab.finished(cell.key) for cell in plan.cells)
    started = [line.split(" ", 2) for line in diary.read_text().splitlines()]
    assert [key for key, _, _ in started] == [cell.key for cell in plan.cells]
    assert {slot for _, slot, _ in started} == {"0", "1", "2"}
    assert all('"threads": 2, "slots": 3, "in_sweep": true' in message for _, _, message in started)
    assert "--allow mine" in " ".join(part.command for part in plan.parts)


def test_hopeless_sweep_ends_with_one_reason_and_the_exit_code_of_failures(diary: Path, lab: Lab):
    yaml = YAML.format(name="Failing") + f"diary: {diary}\nmax_failures: 1\n"
    (diary.parent / "conf" / "launcher" / "failing.yaml").write_text(yaml)
    stream = io.StringIO()
    options: dict[str, Any] = {"offline": True, "console": Console(file=stream, width=400)}
    assert run_sweep("mine", ["launcher=failing", "devices=cpu"], **options) == 1
    output = stream.getvalue()
    assert "1 trial failed for the same reason and none finished: ValueError: no." in output
    assert "3 others not started" in output
    assert "The same command continues each trial where it stopped." in output
    assert len(diary.read_text().splitlines()) == 1
    assert run_sweep("mine", ["launcher=diary", "devices=cpu"], **options) == 0


@pytest.mark.usefixtures("diary")
def test_launcher_does_not_change_the_key():
    keys = {resolve(compose([f"launcher={name}"])).key for name in ("local", "diary")}
    assert len(keys) == 1
    assert not resolve(compose(["launcher=diary"])).sources


def test_local_launcher_is_the_default():
    launcher = make_launcher(compose(["devices=cpu", "launcher.slots=3"]).resolved())
    assert isinstance(launcher, ForkLauncher)
    assert launcher.slots == 3


@pytest.mark.usefixtures("diary")
def test_options_of_another_launcher_are_refused_by_name():
    (message,) = faults("launcher=diary", "launcher.slots=2")
    assert message.startswith("launcher.slots must be one of launcher.diary, launcher.lanes, ")
    (message,) = faults("launcher.lanes=2")
    assert message.startswith("launcher.lanes must be one of launcher.fuse, launcher.max_failures")
    (message,) = faults("launcher=diary", "launcher.lanes=many")
    assert message == "launcher.lanes must be an integer, got 'many'"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("_target_: mine.Recording\nthreads: 1\nretries: 0\n", "launcher.diary must be given"),
        (
            "_target_: mine.Recording\nthreads: 1\nretries: 0\ndiary: a\nslots: 1\n",
            "launcher.slots must be one of diary, lanes; got slots",
        ),
        (
            "_target_: mine.Recording\ndiary: a\nretries: 0\n",
            "launcher.threads must be an integer",
        ),
        (
            "_target_: mine.Recording\ndiary: a\nthreads: 1\n",
            "launcher.retries must be an integer",
        ),
        ("threads: 1\nretries: 0\n", "launcher must be a component with a _target_"),
        ("_target_: os.system\nthreads: 1\nretries: 0\n", "launcher._target_ must lie in ablab.sw"),
        (
            "_target_: ablab.sweep.launch.local.os\nthreads: 1\nretries: 0\n",
            "launcher._target_ must exist",
        ),
    ],
)
def test_invalid_launcher_is_refused_before_anything_runs(diary: Path, text: str, fault: str):
    (diary.parent / "conf" / "launcher" / "wrong.yaml").write_text(text)
    assert any(message.startswith(fault) for message in faults("launcher=wrong"))


def test_target_that_returns_no_launcher_is_refused_before_a_plan_is_written(diary: Path, lab: Lab):
    (diary.parent / "conf" / "launcher" / "nothing.yaml").write_text(YAML.format(name="nothing"))
    with pytest.raises(ConfigError) as caught:
        run_sweep("mine", ["launcher=nothing"], offline=True)
    (message,) = caught.value.faults
    rule = "return an object with slots, is_ready, start, wait and close"
    assert message == (
        f"launcher._target_ must {rule}, got mine.nothing, which returns an object of type int"
    )
    assert read_plan(lab.sweep_folder("mine")) is None


@pytest.mark.usefixtures("diary")
def test_launchers_are_listed():
    assert {"local", "ray", "slurm", "diary"} <= set(dict(list_members("launcher")))
    assert "Records the runs that it starts." in describe("launcher", "diary")


@pytest.mark.parametrize(
    ("override", "rule"),
    [
        ("per_gpu=0", "an integer >= 1"),
        ("per_gpu=2000", "at most 1,024 processes"),
        ("time_limit=0", "a number of seconds > 0 or null"),
        ("start_limit=soon", "a number of seconds > 0 or null"),
        ("max_failures=0", "an integer >= 1 or null"),
    ],
)
def test_limits_out_of_range_are_refused(override: str, rule: str):
    (message,) = faults(f"launcher.{override}")
    assert message.startswith(f"launcher.{override.split('=', maxsplit=1)[0]} must be {rule}")

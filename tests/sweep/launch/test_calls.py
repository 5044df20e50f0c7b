"""Calls in the slots of a launcher: all have a status, and interrupts leave none behind."""

import signal
from pathlib import Path

import pytest
from fakes import FakeLauncher, complete, die

from ablab.sweep.launch.calls import run_calls
from ablab.tracking.run import Run
from ablab.training.settings import Devices, ProcessSettings

SETTINGS = ProcessSettings(Devices("cpu"), threads=1)


def folders(root: Path, number: int) -> list[Path]:
    made = [root / "trials" / str(each) / "001" for each in range(number)]
    for folder in made:
        folder.mkdir(parents=True)
    return made


def finish(run: Run) -> int:
    complete(run)
    return 0


def test_statuses_are_in_the_order_of_the_folders(tmp_path: Path) -> None:
    launcher = FakeLauncher(slots=2, **{"1": [die]})
    launcher.default = finish
    assert run_calls(launcher, folders(tmp_path, 3), SETTINGS) == [0, -9, 0]


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)],
)
def test_a_signal_while_a_call_starts_stops_that_call(
    number: signal.Signals, error: type[BaseException], tmp_path: Path
) -> None:
    def start_and_interrupt(_run: Run) -> int | None:
        return -15 if launcher.workers[-1].signals else None

    launcher = FakeLauncher(slots=1)
    launcher.default = start_and_interrupt
    start = launcher.start

    def interrupted(run: Run, settings: ProcessSettings, slot: int) -> object:
        worker = start(run, settings, slot)
        signal.raise_signal(number)
        return worker

    launcher.start = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(error):
        run_calls(launcher, folders(tmp_path, 2), SETTINGS)
    assert [worker.signals for worker in launcher.workers] == [["stop"]]

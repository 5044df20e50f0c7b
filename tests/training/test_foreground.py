"""A trial in a subprocess: signals arrive once, and a lack of resources is raised."""

import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.errors import NO_RESOURCE, ResourceError
from ablab.tracking.lab import Lab
from ablab.training import foreground

COUNTS = """
import os, signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append("INT"))
signal.signal(signal.SIGTERM, lambda *_: seen.append("TERM"))
open(sys.argv[1], "w").close()
while len(seen) < int(sys.argv[2]):
    time.sleep(0.02)
time.sleep(0.3)  # to receive a duplicate, if any
print(*seen, os.getpgid(0) == int(sys.argv[3]), flush=True)
sys.exit(130)
"""


def run(folder: Path, *signals: signal.Signals) -> tuple[int, str, str]:
    """Run a process that counts signals, send them to this process, and return code and output."""
    ready, output, console = folder / "ready", folder / "output", io.StringIO()

    def send() -> None:
        while not ready.exists():
            time.sleep(0.02)
        for number in signals:
            os.kill(os.getpid(), number)
            time.sleep(0.3)

    thread = threading.Thread(target=send)
    thread.start()
    command = [sys.executable, "-c", COUNTS, str(ready), str(len(signals)), str(os.getpgid(0))]
    with output.open("wb") as stream:
        code = foreground._run(command, stream.fileno(), Console(file=console, width=200))
    thread.join()
    return code, output.read_text().strip(), console.getvalue()


def test_signals_are_forwarded_once_to_another_process_group(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    code, seen, message = run(tmp_path, signal.SIGINT, signal.SIGINT, signal.SIGTERM)
    assert (code, seen) == (130, "INT INT TERM False")
    assert message.count("Stopping at the end of this epoch") == 1
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_killed_process_has_a_shells_exit_code(tmp_path: Path) -> None:
    kill = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    with (tmp_path / "output").open("wb") as stream:
        assert foreground._run(kill, stream.fileno(), Console(file=io.StringIO())) == 137


def test_a_lack_of_resources_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = resolve(compose(["architecture=mlp"]))
    run = Lab.open(tmp_path / "lab").new_run(trial.as_dict())

    def fail(_arguments: object, output: int, _console: object) -> int:
        os.write(output, b"ablab: /disk must have room on its disk, got no space\n")
        return NO_RESOURCE

    monkeypatch.setattr(foreground, "_run", fail)
    with pytest.raises(ResourceError, match=r"^/disk must have room on its disk, got no space$"):
        foreground.run_in_subprocess(run, trial, Console(file=io.StringIO()))

"""A launcher without processes: each attempt follows a script and ends at once."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ablab.sweep.job import Job
from ablab.sweep.watcher import Watcher
from ablab.tracking.completion import Completion, write_completion
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell
from ablab.tracking.run import Run
from ablab.training.settings import Devices, ProcessSettings

SETTINGS = ProcessSettings(Devices("cpu"), threads=3)
Script = Callable[[Run], int | None]


def trial(key: str) -> dict[str, Any]:
    config = {"trainer": {"max_epochs": 2}, "seed": 0, "devices": {}}
    return {"key": key, "config": config, "outside_key": ["devices", "sweep"]}


def make_jobs(*keys: str) -> list[Job]:
    return [Job(Cell(key, 0, "b", key), trial(key)) for key in keys]


def complete(run: Run, outcome: str = "finished", accuracy: float = 0.9) -> None:
    metrics = {"test/accuracy": accuracy}
    write_completion(
        run.folder,
        Completion(run.key, run.number, outcome, time.time(), metrics, {}, {}, {}),
    )


def write_epoch(run: Run, epoch: int) -> None:
    Journal(run.journal).append(Entry("epoch", time.time(), epoch, {"val/accuracy": 0.5}))


def finish(run: Run) -> int:
    write_epoch(run, 0)
    complete(run)
    return 0


def diverge(run: Run) -> int:
    complete(run, "diverged", 0.1)
    return 0


def die(_run: Run) -> int:
    return -9


def fail_with(error: str) -> Script:
    def script(run: Run) -> int:
        Journal(run.journal).append(Entry("failed", time.time(), note={"error": error}))
        return 1

    return script


fail = fail_with("ValueError: no")
run_out_of_memory = fail_with("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")


def begin(run: Run) -> None:
    """Write the first entry of an attempt, once, and keep running."""
    if not run.entries():
        Journal(run.journal).append(Entry("attempt", time.time()))


def halt(run: Run) -> int:
    note = {"reason": "x must have room"}
    Journal(run.journal).append(Entry("stopped", time.time(), note=note))
    return 74


def halt_without_a_reason(run: Run) -> int:
    return 74


def end_without_a_record(_run: Run) -> int:
    return 0


def find_locked(_run: Run) -> int:
    return 75


def keep_running(_run: Run) -> None:
    return None


class FakeWorker:
    def __init__(self, run: Run, script: Script) -> None:
        self.run, self.script = run, script
        self.signals: list[str] = []
        self.status: int | None = None

    def poll(self) -> int | None:
        if self.status is None:
            self.status = self.script(self.run)
        return self.status

    def stop(self) -> None:
        self.signals.append("stop")

    def kill(self) -> None:
        self.signals.append("kill")
        self.status = -9

    def dump_stack(self) -> None:
        self.signals.append("stack")


class FakeLauncher:
    """Runs a list of scripts per key, one per attempt; the last one is repeated."""

    def __init__(self, slots: int = 2, **scripts: Iterable[Script]) -> None:
        self.slots = slots
        self.default: Script = finish
        self.scripts = {key: list(each) for key, each in scripts.items()}
        self.attempts: dict[str, list[Run]] = defaultdict(list)
        self.workers: list[FakeWorker] = []
        self.max_running = 0
        self.now = 0.0
        self.on_wait: Callable[[], None] = lambda: None

    def is_ready(self) -> bool:
        return True

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> FakeWorker:
        scripts = self.scripts.get(run.key, [self.default])
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        self.attempts[run.key].append(run)
        self.workers.append(FakeWorker(run, script))
        return self.workers[-1]

    def wait(self, workers: Sequence[Any], seconds: float) -> None:
        self.max_running = max(self.max_running, len(workers))
        self.now += seconds
        self.on_wait()

    def close(self) -> None: ...

    def clock(self) -> float:
        return self.now


class EventLog(Watcher):
    """Records the events that it receives."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, job: Job) -> None:
        self.events.append(("started", job.cell.key))

    def ended(self, job: Job) -> None:
        self.events.append(("ended", job.cell.key))

    def retried(self, job: Job) -> None:
        self.events.append(("retried", job.cell.key))

    def blocked(self) -> None:
        self.events.append(("blocked", ""))

    def stopping(self, at_once: bool) -> None:
        self.events.append(("stopping", str(at_once)))


def pids(run: Run) -> list[str]:
    """Return the processes that `fake_work.wait_for_go` has noted, one per attempt."""
    file = run.folder / "pids"
    return file.read_text().split() if file.exists() else []


def new_run(lab: Lab, key: str) -> Run:
    return lab.new_run(trial(key))

"""A launcher without processes: each attempt follows a script, instantly."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ablab.sweep.job import Job
from ablab.tracking.completion import Completion, write_completion
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab, Take
from ablab.tracking.plan import Cell
from ablab.training.settings import Devices, ProcessSettings

SETTINGS = ProcessSettings(Devices("cpu"), threads=3)
Script = Callable[[Take], int | None]


def trial(key: str) -> dict[str, Any]:
    config = {"trainer": {"max_epochs": 2}, "seed": 0, "devices": {}}
    return {"key": key, "config": config, "outside_key": ["devices"]}


def make_jobs(*keys: str) -> list[Job]:
    return [Job(Cell(key, 0, "b", key), trial(key)) for key in keys]


def complete(take: Take, outcome: str = "finished", accuracy: float = 0.9) -> None:
    metrics = {"test/accuracy": accuracy}
    write_completion(
        take.folder,
        Completion(take.key, take.number, outcome, time.time(), metrics, {}, {}, {}),
    )


def write_epoch(take: Take, epoch: int) -> None:
    Journal(take.journal).append(Entry("epoch", time.time(), epoch, {"val/accuracy": 0.5}))


def finish(take: Take) -> int:
    write_epoch(take, 0)
    complete(take)
    return 0


def diverge(take: Take) -> int:
    complete(take, "diverged", 0.1)
    return 0


def die(_take: Take) -> int:
    return -9


def fail(take: Take) -> int:
    note = {"error": "ValueError: no"}
    Journal(take.journal).append(Entry("failed", time.time(), note=note))
    return 1


def lack(take: Take) -> int:
    note = {"reason": "x must have room"}
    Journal(take.journal).append(Entry("stopped", time.time(), note=note))
    return 74


def lack_and_say_nothing(take: Take) -> int:
    return 74


def lie(_take: Take) -> int:
    return 0


def busy(_take: Take) -> int:
    return 75


def run_on(_take: Take) -> None:
    return None


class FakeWorker:
    def __init__(self, take: Take, script: Script) -> None:
        self.take, self.script = take, script
        self.told: list[str] = []
        self.status: int | None = None

    def poll(self) -> int | None:
        if self.status is None:
            self.status = self.script(self.take)
        return self.status

    def stop(self) -> None:
        self.told.append("stop")

    def kill(self) -> None:
        self.told.append("kill")
        self.status = -9


class FakeLauncher:
    """Follows for each key a list of scripts, one an attempt, the last one for ever."""

    def __init__(self, slots: int = 2, **scripts: Iterable[Script]) -> None:
        self.slots = slots
        self.default: Script = finish
        self.scripts = {key: list(each) for key, each in scripts.items()}
        self.attempts: dict[str, list[Take]] = defaultdict(list)
        self.workers: list[FakeWorker] = []
        self.side_by_side = 0
        self.now = 0.0
        self.on_wait: Callable[[], None] = lambda: None

    def is_ready(self) -> bool:
        return True

    def start(self, take: Take, settings: ProcessSettings, slot: int) -> FakeWorker:
        scripts = self.scripts.get(take.key, [self.default])
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        self.attempts[take.key].append(take)
        self.workers.append(FakeWorker(take, script))
        return self.workers[-1]

    def wait(self, workers: Sequence[Any], seconds: float) -> None:
        self.side_by_side = max(self.side_by_side, len(workers))
        self.now += seconds
        self.on_wait()

    def close(self) -> None: ...

    def clock(self) -> float:
        return self.now


class Notes:
    """A watcher that writes down what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, job: Job) -> None:
        self.events.append(("started", job.cell.key))

    def ended(self, job: Job) -> None:
        self.events.append(("ended", job.cell.key))

    def again(self, job: Job) -> None:
        self.events.append(("again", job.cell.key))

    def stopping(self, at_once: bool) -> None:
        self.events.append(("stopping", str(at_once)))

    def tick(self) -> None: ...


def new_take(lab: Lab, key: str) -> Take:
    return lab.new_take(trial(key))

"""What a sweep will take: time, from finished trials or a short measurement, and disk space."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from ablab.sweep.job import Job

GB = 1e9
SPARE_BYTES = 200e6  # what the store, the cache and everybody else may need meanwhile
START_SECONDS = 1.0  # what a trial takes beside its steps: start, validation, test
RUN_BYTES = 500e3  # a run's journal, tables, log and pictures


@dataclass(frozen=True)
class Forecast:
    """What the open jobs will take.

    Attributes:
        seconds: of each open job, by key, in a slot of its own; one whose first steps raise has
            none, and will say so itself when it is trained.
        slots: how many run side by side.
        bytes: on disk, all of them.
        free: bytes free where the lab is.
    """

    seconds: Mapping[str, float]
    slots: int
    bytes: float
    free: float

    @property
    def hours(self) -> float:
        """Hours until the last job ends."""
        total = sum(self.seconds.values()) / self.slots
        return max(total, max(self.seconds.values(), default=0.0)) / 3600

    @property
    def fits(self) -> bool:
        """Tell whether there is enough disk space."""
        return self.bytes == 0 or self.bytes + SPARE_BYTES < self.free


def forecast(
    jobs: Sequence[Job],
    slots: int,
    folder: Path,
    measure: Callable[[Mapping[str, Any]], Any] | None = None,
) -> Forecast:
    """Forecast the open jobs from finished ones that differ in the seed alone, else measure.

    Args:
        jobs: all jobs of the sweep, the finished ones marked as such.
        slots: how many run side by side.
        folder: where the lab is, or will be.
        measure: `ablab.training.cost.measure`.
    """
    known = _seconds_of_finished(jobs)
    costs: dict[str, Any] = {}
    seconds, size = {}, 0.0
    for job in jobs:
        if not job.is_open:
            continue
        kind = _all_but_seed(job)
        if kind not in costs:
            costs[kind] = _try(measure or _measure, job.trial["config"])
        cost = costs[kind]
        if kind in known:
            seconds[job.cell.key] = mean(known[kind])
        elif cost is not None:
            epoch = cost.step_seconds * cost.steps_per_epoch
            seconds[job.cell.key] = epoch * job.max_epochs + START_SECONDS
        size += RUN_BYTES + (cost.bytes if cost is not None else 0)
    return Forecast(seconds, slots, size, free_bytes(folder))


def free_bytes(folder: Path) -> float:
    """Return the bytes that are free where a folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return float(shutil.disk_usage(folder).free)


def _seconds_of_finished(jobs: Sequence[Job]) -> dict[str, list[float]]:
    known: dict[str, list[float]] = {}
    for job in jobs:
        completion = job.run.completion if job.state == "finished" and job.run else None
        if completion is not None and "time/total_seconds" in completion.measured:
            known.setdefault(_all_but_seed(job), []).append(
                completion.measured["time/total_seconds"]
            )
    return known


def _all_but_seed(job: Job) -> str:
    outside = {"seed", *job.trial["outside_key"]}
    return json.dumps({k: v for k, v in job.trial["config"].items() if k not in outside})


def _try(measure: Callable[[Mapping[str, Any]], Any], config: Mapping[str, Any]) -> Any:
    try:
        return measure(config)
    except Exception:  # whatever a component raises is its trial's to tell, and no other's
        return None


def _measure(config: Mapping[str, Any]) -> Any:
    import torch

    from ablab.config.threads import cpu_threads
    from ablab.training.cost import measure
    from ablab.training.prepare import keep_freed_memory

    keep_freed_memory()  # as the trial's process will
    threads = torch.get_num_threads()
    torch.set_num_threads(cpu_threads(config["launcher"]))
    try:
        return measure(config)
    finally:
        torch.set_num_threads(threads)

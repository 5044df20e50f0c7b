"""Forecast of a sweep's time, from finished trials or a short measurement, and disk space."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import mean
from typing import Any

from ablab.config.delegated import Delegated
from ablab.config.probe_switches import switched_on
from ablab.disk import free_bytes
from ablab.sweep.job import Job
from ablab.tracking.address import DATABASE

START_SECONDS = 1.0  # of a trial apart from its steps: start, validation, test
# Measured with `du`, in whole blocks, on sweeps over the digits, MNIST and CIFAR-100.
RUN_BYTES = 270e3  # records, tables, pictures and rows in the store of a run
EPOCH_BYTES = 4e3  # journal line and rows in the store of an epoch
PROBES_BYTES = 250e3  # table and picture of probes
STORE_BYTES = 1e6  # of an empty store


@dataclass(frozen=True)
class StepCost:
    """Measured cost of a trial, from `ablab.training.cost.measure`.

    Attributes:
        step_seconds: seconds of one optimizer step on one thread.
        steps_per_epoch: optimizer steps per epoch.
        weight_bytes: of the stored weights of a run.
        checkpoint_bytes: of its checkpoint, which is deleted when the run is finished.
        test_bytes: approximately, of the tables and pictures that depend on the data.
    """

    step_seconds: float
    steps_per_epoch: int
    weight_bytes: int
    checkpoint_bytes: int
    test_bytes: int


Measure = Callable[[Mapping[str, Any]], StepCost]


@dataclass(frozen=True)
class Forecast:
    """Stores the expected time and disk space of the open jobs.

    Attributes:
        seconds: of each open job, by key. A job whose first steps raise has none; its own process
            reports the error.
        slots: number of jobs that run at the same time.
        bytes: that all open jobs will have added to the disk in the end.
        temporary_bytes: that they need besides while they train: checkpoints.
        free: bytes free on the disk of the lab.
    """

    seconds: Mapping[str, float]
    slots: int
    bytes: float
    temporary_bytes: float
    free: float

    @property
    def hours(self) -> float:
        """Hours until the last job ends."""
        total = sum(self.seconds.values()) / self.slots
        return max(total, max(self.seconds.values(), default=0.0)) / 3600


def forecast(
    jobs: Sequence[Job],
    slots: int,
    folder: Path,
    measure: Measure | None = None,
) -> Forecast:
    """Return the forecast of the open jobs.

    The time is the mean of finished jobs that differ in the seed alone, else measured.

    Args:
        jobs: all jobs of the sweep, finished ones included.
        slots: number of jobs that run at the same time.
        folder: of the lab, existing or not.
        measure: by default `measured`.
    """
    known, measure = _seconds_of_finished(jobs), measure or measured
    costs: dict[str, StepCost | None] = {}
    seconds, size, largest = {}, 0.0, 0.0
    for job in jobs:
        if not job.is_open:
            continue
        config = _config_without_seed(job)
        if config not in costs:
            costs[config] = _measure_or_none(measure, job.trial["config"])
        cost = costs[config]
        if config in known:
            seconds[job.cell.key] = mean(known[config])
        elif cost is not None:
            epoch = cost.step_seconds * cost.steps_per_epoch
            seconds[job.cell.key] = epoch * job.max_epochs + START_SECONDS
        size += RUN_BYTES + EPOCH_BYTES * job.max_epochs
        if switched_on(job.trial["config"].get("probes") or {}):
            size += PROBES_BYTES
        if cost is not None:
            size += cost.weight_bytes + cost.test_bytes
            # A checkpoint and best weights exist twice while they are replaced.
            largest = max(largest, 2 * cost.checkpoint_bytes + cost.weight_bytes)
    if size and not (folder / DATABASE).exists():
        size += STORE_BYTES
    at_once = min(slots, sum(job.is_open for job in jobs))
    return Forecast(seconds, slots, size, at_once * largest, free_bytes(folder))


def seconds_by_size(
    jobs: Sequence[Job], cost: Forecast, sizes: Sequence[int]
) -> dict[int, float] | None:
    """Return the seconds that numbers of seeds take from the start; None if one is not known.

    Args:
        jobs: of the sweep, with one seed or more of each variant and block.
        cost: the forecast of those that are open.
        sizes: numbers of seeds.
    """
    seconds: dict[tuple[str, str], float] = {}
    known = _seconds_of_finished(jobs)
    for job in jobs:
        finished = known.get(_config_without_seed(job))
        own = mean(finished) if finished else cost.seconds.get(job.cell.key)
        if own is None:
            return None
        seconds[job.cell.variant, job.cell.block] = own
    total = sum(seconds.values()) / cost.slots
    return {size: size * total for size in sizes}


def _seconds_of_finished(jobs: Sequence[Job]) -> dict[str, list[float]]:
    known: dict[str, list[float]] = {}
    for job in jobs:
        completion = job.completion if job.state == "finished" else None
        if completion is not None and "time/total_seconds" in completion.measured:
            known.setdefault(_config_without_seed(job), []).append(
                completion.measured["time/total_seconds"]
            )
    return known


def _config_without_seed(job: Job) -> str:
    outside = {"seed", *job.trial["outside_key"]}
    return json.dumps({k: v for k, v in job.trial["config"].items() if k not in outside})


def _measure_or_none(measure: Measure, config: Mapping[str, Any]) -> StepCost | None:
    try:
        return measure(config)
    except Exception:  # an error of a component is reported by its trial and stops no other
        return None


def measure(config: Mapping[str, Any]) -> StepCost:
    """Measure some steps of a trial in this process."""
    from ablab.config.threads import cpu_threads
    from ablab.training import cost
    from ablab.training.prepare import as_in_a_trial

    with as_in_a_trial(cpu_threads(config["launcher"])):
        found = cost.measure(config)
    return StepCost(**{field.name: getattr(found, field.name) for field in fields(StepCost)})


measured = Delegated(measure)
"""Returns what `measure` does, wherever it is done."""

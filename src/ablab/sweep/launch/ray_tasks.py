"""Trials as tasks of Ray, one worker process each."""

import math
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ray
from ray.exceptions import RayError, TaskCancelledError

from ablab.errors import BUG, TERMINATED
from ablab.sweep.launch.launcher import Worker
from ablab.sweep.launch.ray_cluster import check_shared
from ablab.sweep.launch.ray_trial import RayTrial, train_on_node
from ablab.sweep.launch.trial_process import MODULE
from ablab.text import LONGEST_VALUE, escape_controls, shorten
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings

_CANCEL_SECONDS = 15.0  # Ray does not promise that a request to cancel arrives
# What a trial's process needs of this one's environment.
_VARIABLES = re.compile(r"(ABLAB|CUBLAS)_\w+|PYTHONPATH")


@dataclass(frozen=True)
class Resources:
    """What a trial reserves on a node.

    Attributes:
        num_cpus: number of CPUs.
        num_gpus: number of GPUs, or the share of one.
        memory: bytes, or None.
        max_retries: how often Ray starts it again on another node.
    """

    num_cpus: int
    num_gpus: float
    memory: int | None
    max_retries: int

    def count(self) -> int:
        """Return how many trials the cluster has room for, at least 1."""
        total = ray.cluster_resources()
        rooms = [total.get("CPU", 0) / self.num_cpus]
        rooms += [total.get("GPU", 0) / self.num_gpus] if self.num_gpus else []
        rooms += [total.get("memory", 0) / self.memory] if self.memory else []
        return max(1, int(min(rooms)))

    def task(self, *, alone: bool) -> Any:
        """Return the task of a trial; ``alone``: with a whole GPU even if it has a share."""
        gpus = max(1.0, self.num_gpus) if alone else self.num_gpus
        options = {"num_cpus": self.num_cpus, "num_gpus": gpus, "max_retries": self.max_retries}
        options |= {} if self.memory is None else {"memory": self.memory}
        return ray.remote(max_calls=1, **options)(train_on_node)


class RayWorker:
    """One attempt, as a task that waits for room or runs on a node.

    Args:
        task: the reference to its result.
    """

    def __init__(self, task: Any) -> None:
        self.task = task
        self._status: int | None = None
        self._reason = ""
        self._next_cancel = math.inf

    def poll(self) -> int | None:
        """Return the exit status of the trial, or None while the task waits or runs."""
        if self._status is None and ray.wait([self.task], timeout=0)[0]:
            try:
                self._status, self._reason = ray.get(self.task)
            except TaskCancelledError:
                self._status = TERMINATED
            except RayError as error:
                lines = [line for line in str(error).splitlines() if line.strip()]
                text = lines[-1] if lines else ""
                self._status, self._reason = BUG, f"Ray: {type(error).__name__}: {text}"
        if self._status is None and time.monotonic() > self._next_cancel:
            self.stop()
        return self._status

    def explain(self) -> str:
        """Return why the task ended without the trial's own status, else an empty text."""
        return shorten(escape_controls(self._reason), LONGEST_VALUE)

    def stop(self) -> None:
        """Cancel the task: the trial gets SIGTERM, and keeps its last checkpoint.

        `poll` repeats it from time to time until the task has ended.
        """
        self._next_cancel = time.monotonic() + _CANCEL_SECONDS
        ray.cancel(self.task)

    def kill(self) -> None:
        """End the worker process; that of the trial ends with it."""
        ray.cancel(self.task, force=True)

    def dump_stack(self) -> None:
        """Do nothing: the process is on a node; `ray stack` there shows what it does."""


class RayLauncher:
    """Runs trials on a cluster that this process is connected to.

    Args:
        resources: of each trial.
        slots: number of trials that are submitted, or ``auto``.
        module: the program of a trial.
    """

    def __init__(
        self, resources: Resources, slots: int | Literal["auto"], module: str = MODULE
    ) -> None:
        self._resources, self._module = resources, module
        self.slots = resources.count() if slots == "auto" else slots
        self._alone: set[int] = set()
        self._workers: list[RayWorker] = []
        self._checked: Path | None = None

    def reserve(self, slot: int, *, alone: bool) -> bool:
        """Return True: Ray itself waits for room."""
        self._alone.discard(slot)
        self._alone |= {slot} if alone else set()
        return True

    def release(self, slot: int) -> None:
        """Forget how the slot was reserved."""
        self._alone.discard(slot)

    def is_shared(self, slot: int) -> bool:
        """Return whether trials have a share of a GPU."""
        return 0 < self._resources.num_gpus < 1

    def is_ready(self) -> bool:
        """Return True: a start does not wait."""
        return True

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> RayWorker:
        """Submit a run to the cluster.

        Raises:
            ResourceError: a node does not see the lab.
        """
        folder = run.folder.absolute()
        if self._checked != folder.parents[2]:
            self._checked = folder.parents[2]
            check_shared(self._checked)
        variables = {k: v for k, v in os.environ.items() if _VARIABLES.fullmatch(k)}
        if not self._resources.num_gpus:
            variables["CUDA_VISIBLE_DEVICES"] = ""
        trial = RayTrial(folder, settings, variables, Path.cwd(), self._module)
        worker = RayWorker(self._resources.task(alone=slot in self._alone).remote(trial))
        self._workers = [w for w in self._workers if w.poll() is None] + [worker]
        return worker

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Wait until a task has ended, at most ``seconds``."""
        tasks = [worker.task for worker in workers if isinstance(worker, RayWorker)]
        if tasks:
            ray.wait(tasks, timeout=seconds)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        """Cancel the tasks that wait or run."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()

"""The trials of one command: skips what is finished, trains the rest, and prints the end."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console

from ablab.config.machine import source_hash
from ablab.config.probe_switches import has_measured, switched_on
from ablab.config.threads import threads_note
from ablab.disk import require_space
from ablab.errors import FAILED, FINISHED, ResourceError
from ablab.sweep.console.live import Display
from ablab.sweep.console.summary import print_end, print_line, print_start
from ablab.sweep.console.watchers import show_progress
from ablab.sweep.deliveries import Deliveries
from ablab.sweep.forecast import Forecast, forecast
from ablab.sweep.fusion import Fusion, choose_fusion
from ablab.sweep.interrupts import Interrupts
from ablab.sweep.job import Job
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.limits import Limits
from ablab.sweep.metrics import has_metric
from ablab.sweep.schedule import Schedule
from ablab.sweep.watcher import Watcher
from ablab.tracking.background_delivery import DELIVERING
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


@dataclass(kw_only=True)
class Trials:
    """The trials of one command, with everything that it needs to train them.

    Attributes:
        name: shown before the counts at the end.
        metric: shown as the result of a trial.
        next_command: shown at the end.
        lab: with the runs.
        jobs: one per trial, in the order in which they are started.
        runtime: ``devices``, ``tracking``, ``launcher`` and ``probes`` of all trials.
        launcher: starts the processes.
        console: receives the output.
        rerun_changed: train finished trials again if the code of ablab has changed since.
        display: draws the table of trials where the console is not a terminal.
        deliveries: log the runs to MLflow, None if that is not wanted.
        fusion: which jobs train together in one process; `begin` chooses.
    """

    name: str
    metric: str
    next_command: str
    lab: Lab
    jobs: list[Job]
    runtime: Mapping[str, Any]
    launcher: Launcher
    console: Console
    rerun_changed: bool = False
    display: Display | None = None
    deliveries: Deliveries | None = None
    fusion: Fusion | None = None

    def begin(
        self, title: str, notes: Sequence[str] = (), excluded: Sequence[Mapping[str, str]] = ()
    ) -> Forecast:
        """Skip what is finished, print what is left, and return its forecast.

        Args:
            title: the first line.
            notes: printed below it, before those on finished trials.
            excluded: combinations left out, each with ``variant``, ``block`` and ``reason``.
        """
        notes = list(notes)
        if self.deliveries is not None:
            notes += self.deliveries.query_store()
        notes += self._skip_finished()
        notes += self.leave_out()
        notes += filter(None, [threads_note(self.runtime["launcher"])])
        self.fusion, fused = self.choose_fusion()
        notes += fused
        cost = forecast(self.jobs, self.launcher.slots, self.lab.root)
        print_start(self.console, title, self.jobs, cost, notes=notes, excluded=excluded)
        return cost

    def _skip_finished(self) -> list[str]:
        """Mark finished jobs as such and return notes on them."""
        old = unmeasured = 0
        for job in self.jobs:
            result = self.lab.result(job.cell.key)
            if result is None:
                continue
            run, _ = result
            unmeasured += not self._has_measured(run)
            if self._counts(run):
                job.finish(*result)
                old += not _is_from_this_code(run)
        notes = []
        if old:
            notes.append(
                f"{old} finished trials come from another version of ablab's code "
                "(--rerun-changed trains them again)."
            )
        if unmeasured:
            notes.append(
                f"{unmeasured} finished trials lack a requested probe or metric: they train again."
            )
        return notes

    def choose_fusion(self) -> tuple[Fusion, list[str]]:
        """Return which open jobs train together in one process, and notes on them."""
        fuse = self.runtime["launcher"].get("fuse", 1)
        return choose_fusion(self.jobs, fuse, self.launcher.slots)

    def leave_out(self) -> list[str]:
        """Leave out open jobs that the command does not train, and return notes on them."""
        return []

    def more_jobs(self) -> list[Job]:
        """Return further jobs once none is open; by default there are none."""
        return []

    @property
    def total(self) -> int:
        """Number of jobs in the end; more than now where jobs are added meanwhile."""
        return len(self.jobs)

    def should_prune(self, job: Job) -> bool:
        """Return whether a running job is to be stopped for good, by its journal."""
        return False

    def next_step(self) -> tuple[str, list[str]]:
        """Return the command that is shown at the end, and notes for the user."""
        return self.next_command, []

    def _counts(self, run: Run) -> bool:
        """Return whether a finished run need not be trained again."""
        is_current = not self.rerun_changed or _is_from_this_code(run)
        return is_current and self._has_measured(run)

    def _has_measured(self, run: Run) -> bool:
        probes = self.runtime["probes"]
        has_probes = not switched_on(probes) or has_measured(run.trial, probes)
        return has_probes and has_metric(run, self.metric)

    def run(self, cost: Forecast) -> int:
        """Train the open jobs and return the exit code.

        Args:
            cost: of the open jobs, from `begin`.

        Raises:
            ResourceError: the machine lacks something, such as disk space; open trials wait.
        """
        if not any(job.is_open for job in self.jobs):
            self.jobs += self.more_jobs()
        if any(job.is_open for job in self.jobs):
            require_space(self.lab.root, cost.bytes + cost.temporary_bytes)
        started = time.monotonic()
        with Interrupts() as interrupts, ExitStack() as stack:
            stack.callback(self.launcher.close)
            may_start = self.deliveries.share(self._counts) if self.deliveries else None
            schedule = self._schedule(self._watchers(stack), interrupts, may_start)
            schedule.run()
        on_wait = partial(print_line, self.console, DELIVERING)
        notes = self.deliveries.close(on_wait) if self.deliveries else []
        notes += filter(None, [schedule.hopeless])
        self._print_end(time.monotonic() - started, notes)
        if interrupts.count:
            return interrupts.code
        if schedule.shortage:
            raise ResourceError(schedule.shortage)
        return FAILED if any(job.state == "failed" for job in self.jobs) else FINISHED

    def _print_end(self, seconds: float, notes: Sequence[str]) -> None:
        command, more = self.next_step()
        print_end(
            self.console, self.name, self.metric, self.jobs, seconds=seconds, next_command=command
        )
        for note in (*notes, *more):
            print_line(self.console, note, "yellow")

    def _watchers(self, stack: ExitStack) -> list[Watcher]:
        watchers: list[Watcher] = []
        if self.deliveries is not None:
            self.deliveries.begin(self.jobs)
            watchers.append(self.deliveries)
        shown = show_progress(
            self.console, self.jobs, self.metric, self.display, stack, total=self.total
        )
        return [*watchers, *shown]

    def _schedule(
        self,
        watchers: Sequence[Watcher],
        interrupts: Interrupts,
        may_start: Callable[[Job], bool] | None,
    ) -> Schedule:
        return Schedule(
            self.lab,
            self.jobs,
            self.launcher,
            ProcessSettings.of(self.runtime, slots=self.launcher.slots, in_sweep=True),
            watchers=watchers,
            retries=int(self.runtime["launcher"]["retries"]),
            more=self.more_jobs,
            limits=Limits.of(self.runtime["launcher"]),
            is_finished=self._counts,
            should_prune=self.should_prune,
            fusion=self.fusion,
            may_start=may_start or (lambda _job: True),
            interrupts=lambda: interrupts.count,
        )


def _is_from_this_code(run: Run) -> bool:
    """Return whether a run was finished by the code of ablab as it is now."""
    return run.environment.get("source_hash") == source_hash()

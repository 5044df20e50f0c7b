"""The schedule: brings every job to a final state, whatever happens to the processes."""

import time
from collections.abc import Callable, Sequence

from ablab.disk import require_space
from ablab.errors import ResourceError, resource_error
from ablab.sweep.job import Job, determine_outcome, record_failure
from ablab.sweep.launch.launcher import Launcher, Worker
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.opening import open_run
from ablab.training.settings import ProcessSettings

TICK = 0.25  # seconds between two reads of the journals
LOCK_INTERVAL = 1.0  # seconds between two checks of a lock that another process holds


class Watcher:
    """Receives the events of a schedule; by default it ignores them."""

    def started(self, job: Job) -> None:
        """Handle the start of an attempt, or a job found locked by another process."""

    def ended(self, job: Job) -> None:
        """Handle a job that reached a final state."""

    def retried(self, job: Job) -> None:
        """Handle a killed job that will be started again; ``job.reason`` says why it ended."""

    def stopping(self, at_once: bool) -> None:
        """Handle a stop asked for by the user; the running trials have their signal already."""

    def tick(self) -> None:
        """Handle the end of a round, about every `TICK` seconds."""


class Schedule:
    """Runs jobs in the slots of a launcher.

    A trial finished anywhere in the lab is not trained again, an unfinished run is resumed in its
    folder, and a run locked by another process is waited for. The completion record decides
    whether a job is done; exit statuses only help to explain why it is not.

    Args:
        lab: with the runs.
        jobs: in the order in which they are started.
        launcher: starts the processes.
        settings: passed to each process.
        watchers: receive all events.
        retries: how often a killed trial is started again.
        is_finished: returns whether a finished run counts.
        interrupts: returns how often the user has asked to stop.
        clock: monotonic time in seconds.

    Attributes:
        shortage: what the machine lacks, as a trial or this process reported it, else empty.
            Once it is set no further trial is started; running ones go on.
    """

    def __init__(
        self,
        lab: Lab,
        jobs: Sequence[Job],
        launcher: Launcher,
        settings: ProcessSettings,
        *,
        watchers: Sequence[Watcher] = (),
        retries: int = 1,
        is_finished: Callable[[Run], bool] = lambda _run: True,
        interrupts: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lab, self._jobs, self._launcher = lab, jobs, launcher
        self._settings, self._watchers, self._retries = settings, watchers, retries
        self._is_finished, self._interrupts, self._clock = is_finished, interrupts, clock
        self._running: dict[int, tuple[Job, Worker]] = {}
        self._handled_interrupts = 0
        self._next_lock_check = 0.0
        self.shortage = ""

    def run(self) -> None:
        """Run until no job is open."""
        while any(job.is_open for job in self._jobs):
            self._handle_interrupts()
            self._start_waiting()
            self._launcher.wait([worker for _, worker in self._running.values()], TICK)
            self._collect_ended()
            for job in self._in_state("running", "locked"):
                job.read_journal()
            self._check_locks()
            self._notify("tick")

    def _skip_if_finished(self, job: Job) -> bool:
        run = self._lab.finished(job.cell.key)
        if run is None or not self._is_finished(run):
            return False
        job.finish(run)
        return True

    def _handle_interrupts(self) -> None:
        """Stop the running trials at the first interrupt, kill them at the second."""
        count = self._interrupts()
        if count == self._handled_interrupts:
            return
        for job in self._in_state("waiting", "locked"):
            self._end(job, "stopped", "interrupted")
        for _, worker in self._running.values():
            worker.kill() if count > 1 else worker.stop()
        self._handled_interrupts = count
        self._notify("stopping", count > 1)

    def _start_waiting(self) -> None:
        free = [slot for slot in range(self._launcher.slots) if slot not in self._running]
        waiting = iter(self._in_state("waiting"))
        try:
            while free and (job := next(waiting, None)):
                if self._skip_if_finished(job):
                    self._notify("ended", job)
                    continue
                if not self._launcher.is_ready():
                    return
                require_space(self._lab.root)
                if self._start(job, free[0]):
                    free.pop(0)
        except (OSError, ResourceError) as error:
            if (shortage := resource_error(error, self._lab.root)) is None:
                raise
            self._halt(str(shortage))

    def _halt(self, shortage: str) -> None:
        """Stop all jobs that wait: each would meet the same error."""
        self.shortage = self.shortage or shortage
        for job in self._in_state("waiting", "locked"):
            self._end(job, "stopped", "waits until the machine has what it lacks")

    def _start(self, job: Job, slot: int) -> bool:
        """Start an attempt and return whether it occupies the slot."""
        job.run = open_run(self._lab, job.trial)
        if job.run.is_locked():
            self._wait_for_lock(job)
            return False
        job.started_at = time.time()
        try:
            worker = self._launcher.start(job.run, self._settings, slot)
        except (OSError, EOFError) as error:
            if resource_error(error) is not None:
                raise
            self._retry_or_fail(job, f"could not be started: {error!r}")
            return False
        job.state, job.is_new = "running", True
        self._running[slot] = (job, worker)
        self._notify("started", job)
        return True

    def _collect_ended(self) -> None:
        for slot, (job, worker) in list(self._running.items()):
            if (status := worker.poll()) is not None:
                del self._running[slot]
                self._end_attempt(job, status)

    def _end_attempt(self, job: Job, status: int) -> None:
        assert job.run is not None
        try:
            outcome, reason = determine_outcome(job.run, status, job.started_at)
        except (OSError, ResourceError) as error:
            outcome, reason = "halted", str(resource_error(error, self._lab.root) or error)
        if outcome in ("finished", "diverged"):
            job.finish(job.run)
            self._notify("ended", job)
        elif outcome == "failed":
            record_failure(job.run, reason)
            self._end(job, outcome, reason)
        elif self._interrupts():
            self._end(job, "stopped", "interrupted")
        elif outcome == "halted":
            self._end(job, "stopped", reason)
            self._halt(reason)
        elif outcome == "locked":
            self._wait_for_lock(job)
        else:
            self._retry_or_fail(job, reason)

    def _wait_for_lock(self, job: Job) -> None:
        was_locked, job.state = job.state == "locked", "locked"
        job.reason = "another process trains it"
        self._next_lock_check = self._clock() + LOCK_INTERVAL
        if not was_locked:
            self._notify("started", job)

    def _retry_or_fail(self, job: Job, reason: str) -> None:
        job.kills += 1
        if job.kills <= self._retries:
            job.state, job.reason = "waiting", reason
            self._notify("retried", job)
            return
        assert job.run is not None
        reason = f"{reason}, {job.kills} times" if job.kills > 1 else reason
        record_failure(job.run, reason)
        self._end(job, "failed", reason)

    def _check_locks(self) -> None:
        if self._clock() < self._next_lock_check:
            return
        self._next_lock_check = self._clock() + LOCK_INTERVAL
        for job in self._in_state("locked"):
            if job.run is not None and not job.run.is_locked():
                job.state = "waiting"

    def _end(self, job: Job, state: str, reason: str) -> None:
        job.state, job.reason = state, reason
        self._notify("ended", job)

    def _in_state(self, *states: str) -> list[Job]:
        return [job for job in self._jobs if job.state in states]

    def _notify(self, event: str, *arguments: Job | bool) -> None:
        for watcher in self._watchers:
            getattr(watcher, event)(*arguments)

"""The schedule: brings every job to a final state, whatever happens to the processes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ablab.disk import require_space
from ablab.errors import ResourceError, resource_error
from ablab.sweep.attempt import Attempt
from ablab.sweep.failures import describe_hopeless, is_out_of_memory, repeated_failure
from ablab.sweep.fusion import Fusion
from ablab.sweep.job import Job, record_failure
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.limits import Deadline, Limits
from ablab.sweep.reservations import Reservations
from ablab.sweep.watcher import Watcher
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.opening import open_run
from ablab.training.settings import ProcessSettings

TICK = 0.25  # seconds between two reads of the journals
LOCK_INTERVAL = 1.0  # seconds between two checks of a lock that another process holds


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
        limits: of each attempt, and of failures.
        more: returns further jobs once none is open; they are added to ``jobs``.
        is_finished: returns whether a finished run counts.
        should_prune: returns whether a running job is to be stopped for good, by its journal.
        may_start: returns whether a job may be trained here now; else its ``reason`` says why not.
        fusion: says which jobs train together in one process; by default none do.
        interrupts: returns how often the user has asked to stop.
        clock: monotonic time in seconds.

    Attributes:
        shortage: what the machine lacks, as a trial or this process reported it, else empty.
            Once it is set no further trial is started; running ones go on.
        hopeless: why the sweep was stopped after failures that have one reason, else empty.
    """

    def __init__(
        self,
        lab: Lab,
        jobs: list[Job],
        launcher: Launcher,
        settings: ProcessSettings,
        *,
        watchers: Sequence[Watcher] = (),
        retries: int = 1,
        more: Callable[[], Sequence[Job]] = lambda: (),
        limits: Limits = Limits(),  # noqa: B008  it is immutable
        is_finished: Callable[[Run], bool] = lambda _run: True,
        should_prune: Callable[[Job], bool] = lambda _job: False,
        may_start: Callable[[Job], bool] = lambda _job: True,
        fusion: Fusion | None = None,
        interrupts: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lab, self._jobs, self._launcher = lab, jobs, launcher
        self._settings, self._watchers, self._retries = settings, watchers, retries
        self._is_finished, self._may_start = is_finished, may_start
        self._interrupts, self._clock = interrupts, clock
        self._limits, self._more = limits, more
        self._slots = Reservations(launcher)
        self._fusion = fusion or Fusion({})
        self._running: dict[int, list[Attempt]] = {}  # by slot, those of one process
        self._should_prune = should_prune
        self._handled_interrupts = 0
        self._next_lock_check = 0.0
        self._was_blocked = False
        self.shortage = self.hopeless = ""

    def run(self) -> None:
        """Run until no job is open."""
        while self._has_open_jobs():
            self._handle_interrupts()
            self._start_waiting()
            self._launcher.wait([group[0].worker for group in self._running.values()], TICK)
            self._collect_ended()
            for job in self._in_state("running", "locked"):
                if job.read_journal():
                    self._prune(job)
            for attempt in self._attempts():
                attempt.check_limits(self._clock())
            self._check_locks()
            self._notify("tick")

    def _has_open_jobs(self) -> bool:
        """Return whether a job is open; where none is, add further ones."""
        if any(job.is_open for job in self._jobs):
            return True
        if not (self._interrupts() or self.shortage or self.hopeless):
            self._jobs += self._more()
        return any(job.is_open for job in self._jobs)

    def _skip_if_finished(self, job: Job) -> bool:
        result = self._lab.result(job.cell.key)
        if result is None or not self._is_finished(result[0]):
            return False
        job.finish(*result)
        return True

    def _handle_interrupts(self) -> None:
        """Stop the running trials at the first interrupt, kill them at the second."""
        count = self._interrupts()
        if count == self._handled_interrupts:
            return
        for job in self._in_state("waiting", "locked"):
            self._end(job, "stopped", "interrupted")
        for worker in [group[0].worker for group in self._running.values()]:
            worker.kill() if count > 1 else worker.stop()
        self._handled_interrupts = count
        self._notify("stopping", count > 1)

    def _start_waiting(self) -> None:
        if reason := repeated_failure(self._jobs, self._limits.max_failures):
            if not self._running:
                self._give_up(reason)
            return  # a trial that runs may still finish
        # Trials that need a whole GPU come last, when its other shares become free.
        waiting = sorted(self._in_state("waiting"), key=lambda job: job.is_alone)
        try:
            for job in waiting:
                if job.state != "waiting":  # it trains together with one before
                    continue
                if (slot := self._reserve(job)) is None:
                    return
                if not (self._can_start(job) and self._start(job, slot)):
                    self._slots.release(slot)
                    if job.state == "waiting":
                        return
        except (OSError, ResourceError) as error:
            if (shortage := resource_error(error, self._lab.root)) is None:
                raise
            self._halt(str(shortage))

    def _can_start(self, job: Job) -> bool:
        """Return whether a job needs training and the launcher is ready to start it."""
        if self._skip_if_finished(job):
            self._notify("ended", job)
            return False
        if not self._launcher.is_ready():
            return False
        require_space(self._lab.root)
        if not self._may_start(job):
            self._wait_for_lock(job, job.reason)
            return False
        if self._skip_if_finished(job):  # another lab trained it
            self._notify("ended", job)
            return False
        return True

    def _reserve(self, job: Job) -> int | None:
        """Return a slot for a job, None if there is none now."""
        slot = self._slots.reserve(alone=job.is_alone)
        if slot is None and self._slots.are_all_free() and not self._was_blocked:
            self._was_blocked = True
            self._notify("blocked")
        return slot

    def _give_up(self, reason: str) -> None:
        """Stop all jobs that wait: each would probably fail as those before."""
        waiting = self._in_state("waiting", "locked")
        self.hopeless = describe_hopeless(reason, len(self._in_state("failed")), len(waiting))
        for job in waiting:
            self._end(job, "stopped", "waits, since the trials before it failed")

    def _halt(self, shortage: str) -> None:
        """Stop all jobs that wait: each would meet the same error."""
        self.shortage = self.shortage or shortage
        for job in self._in_state("waiting", "locked"):
            self._end(job, "stopped", "waits until the machine has what it lacks")

    def _start(self, job: Job, slot: int) -> bool:
        """Start an attempt, with jobs that train together, and return whether it has the slot."""
        if not self._open(job):
            return False
        waiting = [other for other in self._in_state("waiting") if other is not job]
        free = max(1, self._launcher.slots - len(self._running))
        others = self._fusion.companions(job, waiting, free)
        group = [job, *(other for other in others if self._can_start(other) and self._open(other))]
        runs = [member.run for member in group if member.run is not None]
        companions = tuple(str(run.folder) for run in runs[1:])
        settings = replace(self._settings, companions=companions) if companions else self._settings
        try:
            worker = self._launcher.start(runs[0], settings, slot)
        except (OSError, EOFError) as error:
            if resource_error(error) is not None:
                raise
            self._retry_or_fail(job, f"could not be started: {error!r}")
            return False
        limits = self._limits.of_group(len(group))
        self._running[slot] = []
        for member in group:
            member.state, member.is_new = "running", True
            deadline = Deadline(limits, worker, self._clock())
            self._running[slot].append(Attempt(member, worker, deadline, member.entries))
            self._notify("started", member)
        return True

    def _open(self, job: Job) -> bool:
        """Open the run of a job that starts, and return whether no other process trains it."""
        run = open_run(self._lab, job.trial)
        job.use(run)
        if run.is_locked():
            self._wait_for_lock(job)
            return False
        job.started_at = time.time()
        job.read_journal()
        return True

    def _attempts(self) -> list[Attempt]:
        return [attempt for group in self._running.values() for attempt in group]

    def _prune(self, job: Job) -> None:
        """Stop a running job whose search has seen enough."""
        attempt = next((a for a in self._attempts() if a.job is job), None)
        if attempt is not None and not job.is_pruned and self._should_prune(job):
            job.is_pruned = True
            attempt.worker.stop()

    def _collect_ended(self) -> None:
        for slot, group in list(self._running.items()):
            if (status := group[0].worker.poll()) is not None:
                has_neighbors = self._slots.is_shared(slot)
                del self._running[slot]
                self._slots.release(slot)
                for attempt in group:
                    self._end_attempt(attempt, status, has_neighbors=has_neighbors)

    def _end_attempt(self, attempt: Attempt, status: int, *, has_neighbors: bool) -> None:
        job = attempt.job
        assert job.run is not None
        outcome, reason = attempt.determine_outcome(status)
        if outcome in ("finished", "diverged"):
            job.finish(job.run)
            self._notify("ended", job)
        elif outcome == "failed":
            if has_neighbors and not job.is_alone and is_out_of_memory(reason):
                self._retry_alone(job, reason)
                return
            record_failure(job.run, reason)
            self._end(job, outcome, reason)
        elif job.is_pruned or self._interrupts():
            self._end(job, *(("pruned", "") if job.is_pruned else ("stopped", "interrupted")))
        elif outcome == "halted":
            self._end(job, "stopped", reason)
            self._halt(reason)
        elif outcome == "locked":
            self._wait_for_lock(job)
        else:
            self._retry_or_fail(job, reason)

    def _wait_for_lock(self, job: Job, reason: str = "another process trains it") -> None:
        was_locked, job.state = job.state == "locked", "locked"
        job.reason = reason
        self._next_lock_check = self._clock() + LOCK_INTERVAL
        if not was_locked:
            self._notify("started", job)

    def _retry_alone(self, job: Job, reason: str) -> None:
        """Start a trial that ran out of GPU memory again, when it can have a GPU for itself."""
        job.is_alone, job.state = True, "waiting"
        job.reason = f"{reason}; next time without other trials on its GPU"
        self._notify("retried", job)

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
            is_idle = job.run is None or not job.run.is_locked()
            if is_idle and len(self._running) < self._launcher.slots and self._may_start(job):
                job.state = "waiting"

    def _end(self, job: Job, state: str, reason: str) -> None:
        job.state, job.reason = state, reason
        self._notify("ended", job)

    def _in_state(self, *states: str) -> list[Job]:
        return [job for job in self._jobs if job.state in states]

    def _notify(self, event: str, *arguments: Job | bool) -> None:
        for watcher in self._watchers:
            getattr(watcher, event)(*arguments)

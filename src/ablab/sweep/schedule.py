"""The schedule: brings every job to its end, whatever becomes of the processes."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ablab.errors import ResourceError, resource_error
from ablab.sweep.job import Job, judge, record_failure
from ablab.sweep.launch.launcher import Launcher, Worker
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.opening import open_run
from ablab.training.settings import ProcessSettings

TICK = 0.25  # seconds between two looks at the journals
PATIENCE = 1.0  # seconds between two looks at a lock that another process holds


class Watcher(Protocol):
    """Whoever wants to know how the jobs fare: a table, a log, the delivery."""

    def started(self, job: Job) -> None:
        """An attempt at the job begins, or another process was found at it."""

    def ended(self, job: Job) -> None:
        """The job came to its end."""

    def again(self, job: Job) -> None:
        """The job was killed and will be tried again; ``job.reason`` says why."""

    def stopping(self, at_once: bool) -> None:
        """The user has asked to stop, or to stop at once; what runs has been told."""

    def tick(self) -> None:
        """A moment has passed."""


class Schedule:
    """Runs jobs in the slots of a launcher.

    What is finished anywhere in the lab is not trained again, an unfinished run goes on in its
    folder, and a run whose lock is held is waited for. The completion record decides whether a
    job is done; exit statuses only help to tell why it is not.

    Args:
        lab: where the runs lie.
        jobs: in the order in which they are to start.
        launcher: starts the processes.
        settings: what each process is given.
        watchers: told of everything.
        retries: times that a killed trial is started again.
        is_finished: whether a finished run counts.
        interrupts: how often the user has asked to stop.
        clock: seconds that never run backwards.

    Attributes:
        lack: what the machine lacks, as a trial or this process found out; empty: nothing. Then
            no further trial was started, and those that ran went on as far as they could.
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
        self._obeyed = 0
        self._look_at_locks = 0.0
        self.lack = ""

    def run(self) -> None:
        """Work until no job is open."""
        self.skip_finished()
        while any(job.is_open for job in self._jobs):
            self._obey()
            self._fill()
            self._launcher.wait([worker for _, worker in self._running.values()], TICK)
            self._reap()
            self._look()
            self._tell("tick")

    def skip_finished(self) -> None:
        """Take over the results that are in the lab already."""
        for job in self._jobs:
            self._skip(job)

    def _skip(self, job: Job) -> bool:
        run = self._lab.finished(job.cell.key)
        if run is None or not self._is_finished(run):
            return False
        job.finish(run)
        return True

    def _obey(self) -> None:
        """Stop at the first interrupt, kill at the second."""
        asked = self._interrupts()
        if asked == self._obeyed:
            return
        for job in self._in_state("waiting", "held"):
            self._end(job, "stopped", "interrupted")
        for _, worker in self._running.values():
            worker.kill() if asked > 1 else worker.stop()
        self._obeyed = asked
        self._tell("stopping", asked > 1)

    def _fill(self) -> None:
        free = [slot for slot in range(self._launcher.slots) if slot not in self._running]
        waiting = self._in_state("waiting")
        try:
            while free and (job := next(waiting, None)):
                if self._skip(job):
                    self._tell("ended", job)
                elif not self._launcher.is_ready():
                    return
                elif self._start(job, free[0]):
                    free.pop(0)
        except (OSError, ResourceError) as error:
            if (lack := resource_error(error, self._lab.root)) is None:
                raise
            self._halt(str(lack))

    def _halt(self, lack: str) -> None:
        """Start no further trial: each would meet the same."""
        self.lack = self.lack or lack
        for job in self._in_state("waiting", "held"):
            self._end(job, "stopped", "waits until the machine has what it lacks")

    def _start(self, job: Job, slot: int) -> bool:
        """Start an attempt and return whether the slot is now taken."""
        job.run = open_run(self._lab, job.trial)
        if job.run.is_locked():
            self._hold(job)
            return False
        job.began = time.time()
        try:
            worker = self._launcher.start(job.run, self._settings, slot)
        except (OSError, EOFError) as error:
            if resource_error(error) is not None:
                raise
            self._again_or_fail(job, f"could not be started: {error!r}")
            return False
        job.state, job.is_new = "running", True
        self._running[slot] = (job, worker)
        self._tell("started", job)
        return True

    def _reap(self) -> None:
        for slot, (job, worker) in list(self._running.items()):
            status = worker.poll()
            if status is None:
                continue
            del self._running[slot]
            self._settle(job, status)

    def _settle(self, job: Job, status: int) -> None:
        assert job.run is not None
        try:
            outcome, reason = judge(job.run, status, job.began)
        except (OSError, ResourceError) as error:
            outcome, reason = "halted", str(resource_error(error, self._lab.root) or error)
        if outcome in ("finished", "diverged"):
            job.finish(job.run)
            self._tell("ended", job)
        elif outcome == "failed":
            record_failure(job.run, reason)
            self._end(job, outcome, reason)
        elif self._interrupts():
            self._end(job, "stopped", "interrupted")
        elif outcome == "halted":
            self._end(job, "stopped", reason)
            self._halt(reason)
        elif outcome == "held":
            self._hold(job)
        else:
            self._again_or_fail(job, reason)

    def _hold(self, job: Job) -> None:
        was_held, job.state, job.reason = job.state == "held", "held", "another process trains it"
        self._look_at_locks = self._clock() + PATIENCE
        if not was_held:
            self._tell("started", job)

    def _again_or_fail(self, job: Job, reason: str) -> None:
        job.kills += 1
        if job.kills <= self._retries:
            job.state, job.reason = "waiting", reason
            self._tell("again", job)
            return
        assert job.run is not None
        reason = f"{reason}, {job.kills} times" if job.kills > 1 else reason
        record_failure(job.run, reason)
        self._end(job, "failed", reason)

    def _look(self) -> None:
        for job in self._in_state("running", "held"):
            job.look()
        if self._clock() < self._look_at_locks:
            return
        self._look_at_locks = self._clock() + PATIENCE
        for job in self._in_state("held"):
            if job.run is not None and not job.run.is_locked():
                job.state = "waiting"

    def _end(self, job: Job, state: str, reason: str) -> None:
        job.state, job.reason = state, reason
        self._tell("ended", job)

    def _in_state(self, *states: str) -> Iterator[Job]:
        return iter([job for job in self._jobs if job.state in states])

    def _tell(self, event: str, *told: Job | bool) -> None:
        for watcher in self._watchers:
            getattr(watcher, event)(*told)

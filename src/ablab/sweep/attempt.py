"""An attempt: one process that trains a job in a slot."""

from dataclasses import dataclass

from ablab.errors import ResourceError, resource_error
from ablab.sweep.job import Job, determine_outcome
from ablab.sweep.launch.launcher import ExplainingWorker, Worker
from ablab.sweep.limits import Deadline


@dataclass(frozen=True)
class Attempt:
    """Stores a running attempt.

    Attributes:
        job: the job.
        worker: its process.
        deadline: its limits.
        entries: number of the journal's entries that were read before it started.
    """

    job: Job
    worker: Worker
    deadline: Deadline
    entries: int

    def check_limits(self, now: float) -> None:
        """End the attempt if it exceeds a limit; the job's journal has been read."""
        self.deadline.check(now, is_alive=self.job.entries > self.entries)

    def determine_outcome(self, status: int) -> tuple[str, str]:
        """Return the outcome of the attempt and its reason, as `ablab.sweep.job.determine_outcome`.

        Args:
            status: exit status of the process, negative for a signal.
        """
        run = self.job.run
        assert run is not None
        try:
            outcome, reason = determine_outcome(run, status, self.job.started_at)
        except (OSError, ResourceError) as error:
            outcome, reason = "halted", str(resource_error(error, run.folder) or error)
        if outcome in ("killed", "halted") and isinstance(self.worker, ExplainingWorker):
            reason = self.worker.explain() or reason
        if self.deadline.reason and outcome in ("killed", "failed"):
            return "killed" if self.deadline.may_help else "failed", self.deadline.reason
        return outcome, reason

"""An attempt: one process that trains a job in a slot."""

from dataclasses import dataclass

from ablab.sweep.job import Job
from ablab.sweep.launch.launcher import Worker
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

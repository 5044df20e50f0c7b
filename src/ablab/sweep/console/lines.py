"""A sweep in a log: plain lines."""

from collections.abc import Sequence

from rich.console import Console

from ablab.sweep.console.words import done, label, result, stopping
from ablab.sweep.job import Job


class Lines:
    """One line when a trial starts, and one with its figure when it ends.

    Args:
        console: where to.
        jobs: all of them, for the counts.
        metric: the figure that is shown.
    """

    def __init__(self, console: Console, jobs: Sequence[Job], metric: str) -> None:
        self._console, self._jobs, self._metric = console, jobs, metric
        self._several = len({job.cell.block for job in jobs}) > 1

    def started(self, job: Job) -> None:
        """Say that an attempt begins, or who else is at it."""
        self._say(job, "waits, another process trains it" if job.state == "held" else "starts")

    def ended(self, job: Job) -> None:
        """Say what the job came to, and how many are done."""
        far = f"{done(self._jobs)} of {len(self._jobs)} done"
        self._say(job, f"{result(job, self._metric)}  [{far}]")

    def again(self, job: Job) -> None:
        """Say why the job is tried again."""
        self._say(job, f"{job.reason}; tried again")

    def stopping(self, at_once: bool) -> None:
        """Say what has been done about it."""
        self._console.print(stopping(at_once), soft_wrap=True)

    def tick(self) -> None:
        """Say nothing: a log is no place for movement."""

    def _say(self, job: Job, text: str) -> None:
        self._console.print(
            f"{label(job.cell, self._several)}: {text}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

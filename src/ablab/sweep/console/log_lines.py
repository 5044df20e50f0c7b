"""Prints a sweep as plain lines, for output that is not a terminal."""

from collections.abc import Sequence

from rich.console import Console

from ablab.sweep.console.formatting import (
    BLOCKED,
    count_done,
    format_result,
    stop_message,
    trial_label,
)
from ablab.sweep.console.summary import print_line
from ablab.sweep.job import Job
from ablab.sweep.watcher import Watcher


class LogLines(Watcher):
    """Prints one line when a trial starts and one with its result when it ends.

    Args:
        console: receives the lines.
        jobs: all jobs, for the counts.
        metric: printed as the result.
        total: number of jobs in the end, where jobs are added meanwhile.
    """

    def __init__(
        self, console: Console, jobs: Sequence[Job], metric: str, total: int | None = None
    ) -> None:
        self._console, self._jobs, self._metric = console, jobs, metric
        self._total = total
        self._several_blocks = len({job.cell.block for job in jobs}) > 1

    def started(self, job: Job) -> None:
        """Print that an attempt starts, or that another process trains the trial."""
        self._print(job, f"waits, {job.reason}" if job.state == "locked" else "starts")

    def ended(self, job: Job) -> None:
        """Print the result of the job and how many are done."""
        done = f"{count_done(self._jobs)} of {self._total or len(self._jobs)} done"
        self._print(job, f"{format_result(job, self._metric)}  [{done}]")

    def retried(self, job: Job) -> None:
        """Print why the job is started again."""
        self._print(job, f"{job.reason}; started again")

    def stopping(self, at_once: bool) -> None:
        """Print what happens to the running trials."""
        print_line(self._console, stop_message(at_once))

    def blocked(self) -> None:
        """Print what the sweep waits for."""
        print_line(self._console, BLOCKED)

    def _print(self, job: Job, text: str) -> None:
        print_line(self._console, f"{trial_label(job.cell, self._several_blocks)}: {text}")

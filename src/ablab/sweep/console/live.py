"""A sweep in a terminal: a live table of its trials, how many are done, and the time left."""

import time
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ablab.sweep.console.table import TROUBLES, job_table
from ablab.sweep.console.words import duration, how_far, stopping
from ablab.sweep.job import Job

REFRESH = 0.5  # seconds between two drawings


class Display(Protocol):
    """One place that is drawn again and again: a terminal's, as Rich has it, or a notebook's."""

    def start(self, refresh: bool = False) -> None:
        """Take the place."""

    def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
        """Draw there."""

    def stop(self) -> None:
        """Leave the last drawing there."""


class LiveTable:
    """A table that follows the jobs.

    Args:
        console: the terminal.
        jobs: all of them.
        metric: the figure that is shown.
        display: what draws; by default the terminal.
    """

    def __init__(
        self,
        console: Console,
        jobs: Sequence[Job],
        metric: str,
        display: Display | None = None,
    ) -> None:
        self._console, self._jobs, self._metric = console, jobs, metric
        self._began, self._drawn = time.monotonic(), 0.0
        self._done_before = sum(not job.is_open for job in jobs)
        self._live = display or Live(self.picture(), console=console, auto_refresh=False)

    def __enter__(self) -> "LiveTable":
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.update(self.picture(), refresh=True)
        self._live.stop()

    def started(self, job: Job) -> None:
        """Leave it to the next drawing."""

    def ended(self, job: Job) -> None:
        """Leave it to the next drawing."""

    def again(self, job: Job) -> None:
        """Leave it to the next drawing."""

    def stopping(self, at_once: bool) -> None:
        """Say what has been done about it, above the table."""
        self._console.print(stopping(at_once))

    def tick(self) -> None:
        """Draw, if it is time to."""
        if time.monotonic() - self._drawn >= REFRESH:
            self._drawn = time.monotonic()
            self._live.update(self.picture(), refresh=True)

    def picture(self) -> Group:
        """Return what is to be seen now."""
        room = max(1, self._console.size.height - TROUBLES - 4)
        return Group(*job_table(self._jobs, self._metric, room), self._summary())

    def _summary(self) -> Text:
        closed = sum(not job.is_open for job in self._jobs)
        passed = time.monotonic() - self._began
        left = time_left(self._jobs, closed - self._done_before, passed)
        ahead = f", about {duration(left)} left" if left else ""
        return Text(f"{how_far(self._jobs)}, {duration(passed)} so far{ahead}", "bold")


def time_left(jobs: Sequence[Job], done: int, passed: float) -> float | None:
    """Return the seconds that are left at the pace so far, or None while there is no pace yet.

    Args:
        jobs: all of them.
        done: how many were brought to their end in this command.
        passed: seconds since it began.
    """
    running = [len(j.epochs) / j.max_epochs for j in jobs if j.state == "running"]
    work = done + sum(running)
    if work < 0.5:
        return None
    return passed / work * (sum(job.is_open for job in jobs) - sum(running))

"""Shows a sweep in a terminal: a live table of its trials, their counts and the time left."""

import time
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ablab.formatting import format_duration
from ablab.sweep.console.formatting import (
    BLOCKED,
    format_counts,
    stop_message,
)
from ablab.sweep.console.table import MAX_PROBLEMS, job_table
from ablab.sweep.job import Job
from ablab.sweep.watcher import Watcher

REFRESH = 0.5  # seconds between two updates


class Display(Protocol):
    """A part of the screen that is redrawn: `rich.live.Live`, or the output of a notebook cell."""

    def start(self, refresh: bool = False) -> None:
        """Begin to draw."""

    def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
        """Replace what is drawn."""

    def stop(self) -> None:
        """Stop drawing; the last state stays visible."""


class LiveTable(Watcher):
    """Shows the state of all jobs and redraws it every `REFRESH` seconds.

    Args:
        console: the terminal.
        jobs: all jobs.
        metric: shown as the result.
        display: draws the table; by default the terminal.
        total: number of jobs in the end, where jobs are added meanwhile.
    """

    def __init__(
        self,
        console: Console,
        jobs: Sequence[Job],
        metric: str,
        display: Display | None = None,
        total: int | None = None,
    ) -> None:
        self._total = total
        self._console, self._jobs, self._metric = console, jobs, metric
        self._started_at, self._drawn_at = time.monotonic(), 0.0
        self._ended_before = sum(not job.is_open for job in jobs)
        self._live = display or Live(self.render(), console=console, auto_refresh=False)

    def __enter__(self) -> "LiveTable":
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.update(self.render(), refresh=True)
        self._live.stop()

    def stopping(self, at_once: bool) -> None:
        """Print what happens to the running trials, above the table."""
        self._console.print(stop_message(at_once))

    def blocked(self) -> None:
        """Print what the sweep waits for, above the table."""
        self._console.print(BLOCKED)

    def tick(self) -> None:
        """Redraw the table if it is time to."""
        if time.monotonic() - self._drawn_at >= REFRESH:
            self._drawn_at = time.monotonic()
            self._live.update(self.render(), refresh=True)

    def render(self) -> Group:
        """Return the table and the summary line."""
        max_rows = max(1, self._console.size.height - MAX_PROBLEMS - 4)
        return Group(*job_table(self._jobs, self._metric, max_rows), self._summary())

    def _summary(self) -> Text:
        ended = sum(not job.is_open for job in self._jobs) - self._ended_before
        elapsed = time.monotonic() - self._started_at
        seconds = time_left(self._jobs, ended, elapsed, self._total)
        left = f", about {format_duration(seconds)} left" if seconds else ""
        return Text(
            f"{format_counts(self._jobs, self._total)}, {format_duration(elapsed)} so far{left}",
            "bold",
        )


def time_left(
    jobs: Sequence[Job], ended: int, elapsed: float, total: int | None = None
) -> float | None:
    """Return the seconds left at the average speed so far, or None before half a trial is done.

    Args:
        jobs: all jobs.
        ended: number of jobs that ended in this command.
        elapsed: seconds since it started.
        total: number of jobs in the end, where jobs are added meanwhile.
    """
    running = [len(j.epochs) / j.max_epochs for j in jobs if j.state == "running"]
    trials = ended + sum(running)
    if trials < 0.5:
        return None
    later = max(0, (total or len(jobs)) - len(jobs))
    return elapsed / trials * (sum(job.is_open for job in jobs) + later - sum(running))

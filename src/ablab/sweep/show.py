"""A sweep in a terminal: a live table of its trials."""

import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ablab.sweep.job import Job
from ablab.sweep.words import duration, label, progress, result

WIDEST = 10  # seeds that have a column each
REFRESH = 0.5  # seconds between two drawings


class LiveTable:
    """A table that follows the jobs: a row a variant, a column a seed.

    Args:
        console: the terminal.
        jobs: all of them.
        metric: the figure that is shown.
    """

    def __init__(self, console: Console, jobs: Sequence[Job], metric: str) -> None:
        self._jobs, self._metric = jobs, metric
        self._console, self._began, self._drawn = console, time.monotonic(), 0.0
        self._done_before = sum(not job.is_open for job in jobs)
        self._live = Live(self.table(), console=console, auto_refresh=False)

    def __enter__(self) -> "LiveTable":
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.update(self.table(), refresh=True)
        self._live.stop()

    def started(self, job: Job) -> None:
        """Leave it to the next drawing."""

    def ended(self, job: Job) -> None:
        """Leave it to the next drawing."""

    def again(self, job: Job) -> None:
        """Leave it to the next drawing."""

    def tick(self) -> None:
        """Draw, if it is time to."""
        if time.monotonic() - self._drawn >= REFRESH:
            self._drawn = time.monotonic()
            self._live.update(self.table(), refresh=True)

    def table(self) -> RenderableType:
        """Return what is to be seen now."""
        seeds = sorted({job.cell.seed for job in self._jobs})
        rows: dict[tuple[str, str], list[Job]] = {}
        for job in self._jobs:
            rows.setdefault((job.cell.block, job.cell.variant), []).append(job)
        room = self._console.size.height - 8
        if len(rows) > room or len(seeds) > WIDEST:
            return Group(*self._running(room), self._summary())
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("variant")
        for seed in seeds:
            table.add_column(f"seed {seed}", justify="right", no_wrap=True)
        several = len({block for block, _ in rows}) > 1
        for (block, variant), jobs in rows.items():
            cells = {job.cell.seed: self._cell(job) for job in jobs}
            name = f"{block} · {variant}" if several else variant
            table.add_row(Text(name), *(cells.get(seed, Text("")) for seed in seeds))
        return Group(table, *self._troubles(), self._summary())

    def _cell(self, job: Job) -> Text:
        if job.state == "running":
            return Text(progress(job), "cyan")
        if job.state == "held":
            return Text("elsewhere", "cyan")
        if job.state == "waiting":
            return Text("·", "dim")
        style = {"finished": "green", "diverged": "yellow"}.get(job.state, "red")
        return Text(
            result(job, self._metric) if job.state in ("finished", "diverged") else job.state, style
        )

    def _running(self, room: int) -> list[Text]:
        busy = [job for job in self._jobs if job.state in ("running", "held", "failed")]
        return [Text(f"{label(j.cell, True)}  ") + self._cell(j) for j in busy[-max(room, 1) :]]

    def _troubles(self) -> list[Text]:
        failed = [job for job in self._jobs if job.state == "failed"][-3:]
        return [
            Text(
                f"{label(j.cell, True)} failed: {j.reason}",
                "red",
                overflow="ellipsis",
                no_wrap=True,
            )
            for j in failed
        ]

    def _summary(self) -> Text:
        closed = sum(not job.is_open for job in self._jobs)
        passed = time.monotonic() - self._began
        left = time_left(self._jobs, closed - self._done_before, passed)
        ahead = (
            "" if left is None or closed == len(self._jobs) else f", about {duration(left)} left"
        )
        return Text(f"{closed} of {len(self._jobs)} done in {duration(passed)}{ahead}", "bold")


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

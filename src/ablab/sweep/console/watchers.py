"""Shows the progress of jobs: a live table in a terminal, else lines."""

from collections.abc import Sequence
from contextlib import ExitStack

from rich.console import Console

from ablab.sweep.console.live import Display, LiveTable
from ablab.sweep.console.log_lines import LogLines
from ablab.sweep.job import Job
from ablab.sweep.watcher import Watcher


def show_progress(
    console: Console,
    jobs: Sequence[Job],
    metric: str,
    display: Display | None,
    stack: ExitStack,
    *,
    total: int | None = None,
) -> list[Watcher]:
    """Return what shows the progress of these jobs; nothing in a terminal where none is open.

    Args:
        console: receives the output.
        jobs: all jobs.
        metric: shown as the result.
        display: draws the table where the console is not a terminal.
        stack: ends the table.
        total: number of jobs in the end, where jobs are added meanwhile.
    """
    if not console.is_terminal and display is None:
        return [LogLines(console, jobs, metric, total)]
    if any(job.is_open for job in jobs):
        return [stack.enter_context(LiveTable(console, jobs, metric, display, total))]
    return []

"""Prints the summary of a sweep before its first trial and after its last."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablab.formatting import format_duration, format_size
from ablab.sweep.console.formatting import (
    count_done,
    format_not_done,
    format_result,
    trial_label,
)
from ablab.sweep.job import Job
from ablab.text import escape_controls

if TYPE_CHECKING:
    from ablab.sweep.forecast import Forecast


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print a text as it is: without markup, and not wrapped."""
    console.print(Text(escape_controls(text), style), soft_wrap=True)


def print_start(
    console: Console,
    title: str,
    jobs: Sequence[Job],
    cost: "Forecast",
    *,
    notes: Sequence[str],
    excluded: Sequence[Mapping[str, str]],
) -> None:
    """Print the title, the notes, the excluded combinations and the forecast."""
    print_line(console, title, "bold")
    for note in notes:
        print_line(console, note, "yellow")
    for item in excluded:
        message = f"left out: {item['variant']} in {item['block']}: {item['reason']}"
        print_line(console, message, "yellow")
    num_open = sum(job.is_open for job in jobs)
    counts = f"{len(jobs)} trials: {len(jobs) - num_open} finished, {num_open} to train"
    if num_open:
        slots = "one slot" if cost.slots == 1 else f"{cost.slots} slots"
        counts += (
            f"; about {format_duration(3600 * cost.hours)} in {slots} and "
            f"{format_size(cost.bytes)} of {format_size(cost.free)} free"
        )
        if cost.temporary_bytes > cost.bytes / 10:
            counts += f", and {format_size(cost.temporary_bytes)} more while they train"
    print_line(console, f"{counts}.")


def forecast_table(jobs: Sequence[Job], states: Mapping[str, str], cost: "Forecast") -> Table:
    """Return a table with the state and forecast of each trial, one row per trial.

    Args:
        jobs: all jobs.
        states: state on disk of each open job, by key.
        cost: the forecast.
    """
    several_blocks = len({job.cell.block for job in jobs}) > 1
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("trial", "key", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("forecast", justify="right")
    for job in jobs:
        seconds = cost.seconds.get(job.cell.key)
        state = states.get(job.cell.key, job.state)
        unknown = "unknown" if job.is_open else ""
        time = unknown if seconds is None else format_duration(seconds)
        table.add_row(Text(trial_label(job.cell, several_blocks)), job.cell.key, state, time)
    return table


def results_table(jobs: Sequence[Job], metric: str) -> Table:
    """Return a table with the result and the key of each trial, one row per trial."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("trial")
    table.add_column(metric, justify="right")
    table.add_column("key", no_wrap=True)
    for job in jobs:
        label = trial_label(job.cell, several_blocks=False)
        table.add_row(Text(label), Text(format_result(job, metric)), job.cell.key)
    return table


def print_end(
    console: Console,
    name: str,
    metric: str,
    jobs: Sequence[Job],
    *,
    seconds: float,
    next_command: str,
) -> None:
    """Print the failures with their reasons, the counts, and the next command.

    Args:
        console: receives the lines.
        name: of the sweep or the command.
        metric: the result of a trial.
        jobs: all jobs, none open.
        seconds: duration of the command.
        next_command: what to type next, unless the same command again.
    """
    several_blocks = len({job.cell.block for job in jobs}) > 1
    for job in jobs:
        if job.state == "failed":
            label, result = trial_label(job.cell, several_blocks), format_result(job, metric)
            print_line(console, f"{label} {result}  (ablab show {job.cell.key})", "red")
    states = [job.state for job in jobs]
    counts = [f"{states.count('finished')} finished", format_not_done(jobs)]
    counts[1:1] = [f"{n} diverged"] if (n := states.count("diverged")) else []
    num_new = sum(job.is_new for job in jobs if job.state in ("finished", "diverged"))
    message = (
        f"{name}: {', '.join(filter(None, counts))}; {num_new} trained now, in "
        f"{format_duration(seconds)}."
    )
    print_line(console, message, "bold")
    if count_done(jobs) < len(jobs):
        print_line(console, "The same command continues each trial where it stopped.")
    if not {"stopped", "waiting"} & set(states):
        print_line(console, f"Next: {next_command}")

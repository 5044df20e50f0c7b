"""What a sweep says before its first trial and after its last."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablab.sweep.console.words import done, duration, label, not_done, result
from ablab.sweep.forecast import GB, Forecast
from ablab.sweep.job import Job
from ablab.text import printable
from ablab.tracking.plan import Plan


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line as it is."""
    console.print(Text(printable(text), style), soft_wrap=True)


def say_start(
    console: Console, plan: Plan, jobs: Sequence[Job], cost: Forecast, notes: Sequence[str]
) -> None:
    """Print the question, what was left out, and what the sweep will take."""
    say(console, f"{plan.sweep}: {plan.spec.question}", "bold")
    for note in notes:
        say(console, note, "yellow")
    for item in _excluded(plan):
        say(console, f"left out: {item['variant']} in {item['block']}: {item['reason']}", "yellow")
    todo = sum(job.is_open for job in jobs)
    counts = f"{len(jobs)} trials: {len(jobs) - todo} finished, {todo} to train"
    if todo:
        slots = "one slot" if cost.slots == 1 else f"{cost.slots} slots"
        counts += (
            f"; about {duration(3600 * cost.hours)} in {slots} and "
            f"{cost.bytes / GB:.2f} GB of {cost.free / GB:.0f} GB free"
        )
    say(console, f"{counts}.")


def _excluded(plan: Plan) -> list[Mapping[str, str]]:
    return [item for part in plan.parts for item in part.excluded]


def forecast_table(jobs: Sequence[Job], states: Mapping[str, str], cost: Forecast) -> Table:
    """Return a row a trial: its state and how long it would take.

    Args:
        jobs: all of them.
        states: what the disk says of each open one, by key.
        cost: the forecast.
    """
    several = len({job.cell.block for job in jobs}) > 1
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("trial", "key", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("forecast", justify="right")
    for job in jobs:
        seconds = cost.seconds.get(job.cell.key)
        state = states.get(job.cell.key, job.state)
        unknown = "unknown" if job.is_open else ""
        ahead = unknown if seconds is None else duration(seconds)
        table.add_row(Text(label(job.cell, several)), job.cell.key, state, ahead)
    return table


def say_end(console: Console, report: str, plan: Plan, jobs: Sequence[Job], seconds: float) -> None:
    """Print the counts, each failure with its reason, and what to type next.

    Args:
        console: where to.
        report: the command that reports this sweep.
        plan: its plan.
        jobs: all of them, none open.
        seconds: how long it took.
    """
    several = len({job.cell.block for job in jobs}) > 1
    for job in jobs:
        if job.state == "failed":
            what = f"{label(job.cell, several)} {result(job, plan.spec.metric)}"
            say(console, f"{what}  (ablab show {job.cell.key})", "red")
    states = [job.state for job in jobs]
    ends = [f"{states.count('finished')} finished", not_done(jobs)]
    ends[1:1] = [f"{n} diverged"] if (n := states.count("diverged")) else []
    told = ", ".join(filter(None, ends))
    fresh = sum(job.is_new for job in jobs if job.state in ("finished", "diverged"))
    say(console, f"{plan.sweep}: {told}; {fresh} trained now, in {duration(seconds)}.", "bold")
    if done(jobs) < len(jobs):
        say(console, "The same command again goes on where each trial stopped.")
    if not {"stopped", "waiting"} & set(states):
        say(console, f"Next: {report}")
